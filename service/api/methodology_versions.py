"""Authorities publish versions of methodologies; everyone may read them, and their files."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody, PathParameter

from service import methodology_versions
from service.access import Caller
from service.api.given import Pool
from service.api.methodologies import Region
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.carbon import CLASSES
from service.db import Connection
from service.errors import Refusal
from service.methodology_versions import NewVersion, Version

Id = Annotated[str, PathParameter(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$(?!\n)")]
Number = Annotated[str, PathParameter(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,19}$(?!\n)")]
TOML = "application/toml"
REFUSED: tuple[type[Refusal], ...] = (
    methodology_versions.WrongRegion,
    methodology_versions.NotYourRegion,
    methodology_versions.VersionExists,
    methodology_versions.IdTaken,
    methodology_versions.StartsTooEarly,
    *CLASSES.values(),
)


@post("/methodologies/{region:str}/versions", responses=refuses(*WRITES, *REFUSED))
async def publish_version(
    request: Request[Caller, Any, Any], region: Region, data: JSONBody[NewVersion], key: Key, pool: Pool
) -> Response[Version]:
    """Publish a methodology, or a new version of one, from a day not before tomorrow: checked as those that ship."""

    async def work(connection: Connection) -> Version:
        return await methodology_versions.publish(connection, request.user, region, data)

    answer = await answer_once(request, pool, key, data, work)
    await methodology_versions.refresh(pool)
    return answer


@get("/methodologies/{region:str}/versions", responses=refuses())
async def list_versions(region: Region, pool: Pool) -> list[Version]:
    """Every version of a region's methodologies, also those that have ended or not begun; the newest first."""
    async with pool.acquire() as connection:
        return await methodology_versions.versions_of(connection, region)


@get(
    "/methodologies/{region:str}/versions/{methodology:str}/{version:str}",
    media_type=TOML,
    responses=refuses(),
)
async def read_version(region: Region, methodology: Id, version: Number, pool: Pool) -> Response[bytes]:
    """A version's file, byte for byte: its SHA-256 is the version's digest."""
    async with pool.acquire() as connection:
        content = await methodology_versions.file_of(connection, region, methodology, version)
    return Response(content, media_type=TOML, headers={"x-content-type-options": "nosniff"})


routes = [publish_version, list_versions, read_version]
