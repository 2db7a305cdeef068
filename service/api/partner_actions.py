"""Partners report acts: a signed body of lines, answered line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, HeaderParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from service.access import Caller
from service.api.given import Means, means_of
from service.api.problems import WRITES, language_of, refuses
from service.errors import BadInput
from service.partner_feed import FeedsBusy, TooManyLines
from service.partner_reports import LineVerdict
from service.partner_signatures import (
    LARGEST_KEY,
    KeyUnknown,
    NonceUsed,
    SignatureWrong,
    Signed,
    TimestampOff,
    begin,
    require_genuine,
    require_key,
    require_recent,
)
from service.spools import Spool

MEDIA_TYPE = "application/x-ndjson"
MOST_BYTES = 64 * 2**20
UPLOAD_S = 120.0
"""Policy: how long a body may take to come. Whose it is, is known at its end only."""

KeyNumber = Annotated[
    int, HeaderParameter(name="Tanhui-Key", ge=1, le=LARGEST_KEY, description="The number of the key that signs.")
]
Timestamp = Annotated[
    str,
    HeaderParameter(
        name="Tanhui-Timestamp",
        pattern="^[0-9]{1,12}$",
        max_length=12,
        description="Unix time in seconds, within five minutes of ours.",
    ),
]
Nonce = Annotated[
    str,
    HeaderParameter(
        name="Tanhui-Nonce",
        min_length=16,
        max_length=64,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="Random, new with every request.",
    ),
]
Signature = Annotated[
    str,
    HeaderParameter(
        name="Tanhui-Signature",
        min_length=64,
        max_length=64,
        pattern=r"^[0-9a-fA-F]+$",
        description="HMAC-SHA-256, in hexadecimal, over timestamp, line feed, nonce, line feed, body; "
        "under the key's secret, 32 bytes.",
    ),
]
EXAMPLE = (
    '{"external_id": "t-1", "subject": "3f0c9c1e-6f0e-8d7a-9b1c-2f4d5e6a7b8c", "action": "metro", "region": "110000", '
    '"quantity": 12300, "started_at": "2026-11-21T08:02:00+08:00", "ended_at": "2026-11-21T08:31:00+08:00"}\n'
)


@dataclass
class OfLines(Operation):
    """The route as the OpenAPI document has it: the framework does not see the body, which is read as it comes."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            content={MEDIA_TYPE: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, examples=[EXAMPLE]))},
            description="An act a line: `external_id` (the partner's own), `subject` (its name for the citizen), "
            "`action`, `region`, `quantity` (whole, in the methodology's base unit), `started_at` and `ended_at` "
            "(RFC 3339 with offset). Up to 10 000 lines of up to 16 384 bytes.",
        )


@post(
    "/partners/{partner_id:uuid}/actions",
    status_code=200,
    request_max_body_size=MOST_BYTES,
    operation_class=OfLines,
    responses={
        **refuses(KeyUnknown, TimestampOff, SignatureWrong, NonceUsed, TooManyLines, FeedsBusy, *WRITES),
        200: ResponseSpec(LineVerdict, generate_examples=False, media_type=MEDIA_TYPE, description="A verdict a line."),
    },
)
async def report(
    request: Request[Caller, Any, Any],
    partner_id: FromPath[UUID],
    key: KeyNumber,
    timestamp: Timestamp,
    nonce: Nonce,
    signature: Signature,
) -> Stream:
    """Report up to 10 000 acts, signed; the answer streams a verdict a line, in the order of the lines.

    Nothing is done before the signature over the whole body has been checked. The lines may be sent again, with a
    new nonce: what was credited is answered as a duplicate. A bad line spoils only itself.
    """
    signed = Signed(partner_id, key, timestamp, nonce, signature)
    means = means_of(request)
    require_recent(signed, datetime.now(UTC))
    means.feeds.require_room()
    async with means.pool.acquire() as connection:
        await require_key(connection, signed)
    return Stream(await take(request, means, signed), media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


async def take(request: Request[Caller, Any, Any], means: Means, signed: Signed) -> AsyncIterator[bytes]:
    """Take the body, check its signature, begin. The feed closes the spool, once there is one."""
    spool = Spool()
    try:
        digest = begin(means.config, signed)
        await receive(request, spool, digest)
        require_genuine(signed, digest)
        require_recent(signed, datetime.now(UTC))
        return await means.feeds.start(spool, signed, language_of(request))
    except BaseException:
        spool.close()
        raise


async def receive(request: Request[Caller, Any, Any], spool: Spool, digest: Any) -> None:
    """Take the body. Raises TooLarge as it grows too large, BadInput when it breaks off or takes too long."""
    try:
        async with asyncio.timeout(UPLOAD_S):
            await spool.take(request.stream(), digest)
    except TimeoutError:
        raise BadInput(reason=f"the body did not come within {UPLOAD_S:.0f} s") from None


routes: list[ControllerRouterHandler] = [report]
