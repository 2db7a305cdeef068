"""Evidence: photos without what else they carried, kept once, good for one act, seen by few, forgotten in time."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import zlib
from datetime import UTC, datetime, timedelta
from io import BytesIO

import asyncpg
import httpx
import pytest
from PIL import Image, PngImagePlugin

from service import evidence, operators, photos
from service.config import Config
from service.db import transaction
from service.errors import Refusal
from service.photos import cleaned
from tests.people import HAN, LI, WANG, ZHAO, key
from tests.reviewing import hand_in, hold, known_as, picture
from workers import cleaning

PLACE = {1: "N", 2: (39.0, 54.0, 26.0), 3: "E", 4: (116.0, 23.0, 29.0)}
ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_says(width: int, height: int) -> bytes:
    """A small file that would be a large picture."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b"")


def moving(kind: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (9, 9), "red").save(out, kind, save_all=True, append_images=[Image.new("RGB", (9, 9), "blue")])
    return out.getvalue()


def from_a_phone(kind: str) -> bytes:
    """A picture, lying on its side, with place, maker, thumbnail, description and a tail."""
    told = Image.Exif()
    told[ORIENTATION], told[MAKER] = 6, "SECRET-MAKER"
    told.get_ifd(GPS).update(PLACE)
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>SECRET-XMP</x:xmpmeta>")
    text.add_text("Comment", "SECRET-TEXT")
    extra = {
        "JPEG": {"comment": b"SECRET-NOTE", "xmp": b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>", "icc_profile": b"SECRET-ICC"},
        "PNG": {"pnginfo": text},
        "WEBP": {"xmp": b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>"},
    }[kind]
    return picture("green", (300, 200), kind, exif=told, **extra) + b"SECRET-TAIL: PK\x03\x04"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_kept_tells_neither_place_nor_device_and_stands_upright(kind: str) -> None:
    sent = from_a_phone(kind)
    assert sent.count(b"SECRET") >= 2
    kept = cleaned(sent)
    with Image.open(BytesIO(kept.content)) as image:
        assert (image.format, image.size) == (kind, (200, 300))
        assert not image.getexif()
        assert {"exif", "xmp", "comment", "icc_profile", "Comment"}.isdisjoint(image.info)
    for told in (b"SECRET", b"Exif", b"PK\x03\x04", b"tEXt", b"iTXt"):
        assert told not in kept.content, told
    assert kept.media_type == photos.MEDIA_TYPES[kind]
    assert kept.digest == hashlib.sha256(kept.content).digest()
    assert cleaned(sent) == kept


def test_a_large_photo_is_made_smaller_and_a_small_one_left() -> None:
    with Image.open(BytesIO(cleaned(picture(size=(4_000, 3_000), kind="JPEG")).content)) as image:
        assert image.size == (2_048, 1_536)
    with Image.open(BytesIO(cleaned(picture(size=(60, 40))).content)) as image:
        assert image.size == (60, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_any_kind_of_pixels_is_taken(mode: str) -> None:
    out = BytesIO()
    Image.new(mode, (30, 20)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    with Image.open(BytesIO(cleaned(out.getvalue()).content)) as image:
        assert (image.mode, image.size) == ("RGB", (30, 20))


def test_a_phones_photo_with_a_second_picture_behind_it_is_a_photo() -> None:
    assert cleaned(moving("MPO")).media_type == "image/jpeg"


UNFIT = {
    "nothing": (b"", "not_a_photo"),
    "windows_program": (b"MZ\x90\x00" + bytes(500), "not_a_photo"),
    "linux_program": (b"\x7fELF\x02\x01" + bytes(500), "not_a_photo"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not_a_photo"),
    "gif": (b"GIF89a" + bytes(100), "not_a_photo"),
    "tiff": (b"II*\x00" + bytes(100), "not_a_photo"),
    "page": (b"<!doctype html><img src=x>", "not_a_photo"),
    "truncated_jpeg": (picture(size=(300, 200), kind="JPEG")[:-300], "photo_broken"),
    "truncated_png": (picture(size=(300, 200))[:-40], "photo_broken"),
    "truncated_webp": (picture(size=(300, 200), kind="WEBP")[:-20], "photo_broken"),
    "beginning_of_a_jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "photo_broken"),
    "moving_png": (moving("PNG"), "photo_animated"),
    "moving_webp": (moving("WEBP"), "photo_animated"),
    "pixel_bomb": (png_that_says(60_000, 60_000), "photo_too_many_pixels"),
    "above_the_limit": (png_that_says(4_000, 4_001), "photo_too_many_pixels"),
    "ten_megabytes": (picture() + bytes(10_000_000), "photo_too_large"),
}


@pytest.mark.parametrize("name", list(UNFIT))
def test_what_is_no_fit_photo_is_refused_by_name(name: str) -> None:
    content, code = UNFIT[name]
    with pytest.raises(Refusal) as refused:
        cleaned(content)
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["linux_program", "truncated_png", "pixel_bomb"])
async def test_the_api_refuses_it_too_and_keeps_nothing(
    name: str, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, li = await known_as(database, config, LI)
    content, code = UNFIT[name]
    answer = await client.post("/v1/evidence", content=content, headers=li | key() | {"content-type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await database.fetchval("SELECT count(*) FROM evidence") == 0


async def test_what_is_far_too_large_is_not_read(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, li = await known_as(database, config, LI)
    for content, code in ((bytes(10_000_000), "too_large"), (bytes(photos.LARGEST_BYTES + 1), "photo_too_large")):
        answer = await client.post("/v1/evidence", content=content, headers=li | key())
        assert (answer.status_code, answer.json()["code"]) == (413, code)


async def test_a_photo_sent_bare_or_in_a_form_is_the_same_photo(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, li = await known_as(database, config, LI)
    content = from_a_phone("JPEG")
    bare = await client.post("/v1/evidence", content=content, headers=li | key())
    form = await client.post("/v1/evidence", files={"photo": ("IMG_1.jpg", content, "text/html")}, headers=li | key())
    assert bare.status_code == form.status_code == 201
    kept = cleaned(content)
    assert bare.json() == form.json()
    assert bare.json() == {"digest": kept.digest.hex(), "media_type": "image/jpeg", "size_bytes": len(kept.content)}
    assert await database.fetchval("SELECT count(*) FROM evidence") == 1


@pytest.mark.parametrize("body", [b"", b"nonsense", b"--x\r\n\r\n", b'--x\r\nContent-Disposition: form-data; name="a"'])
async def test_a_form_that_is_none_is_refused(
    body: bytes, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, li = await known_as(database, config, LI)
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = await client.post("/v1/evidence", content=body, headers=li | key() | kind)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")


async def test_a_repeat_answers_the_same_and_other_content_under_its_key_is_refused(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, li = await known_as(database, config, LI)
    headers = li | key()
    first, again = [await client.post("/v1/evidence", content=picture(), headers=headers) for _ in range(2)]
    assert first.content == again.content
    other = await client.post("/v1/evidence", content=picture("red"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")


async def test_nobody_fills_the_store_with_photos_of_nothing(database: asyncpg.Pool, config: Config) -> None:
    li, _ = await known_as(database, config, LI)
    now = datetime.now(UTC)
    async with transaction(database) as connection:
        for n in range(evidence.MOST_UNATTACHED):
            photo = cleaned(picture(f"rgb({n},{n},{n})"))
            await evidence.keep(connection, li, photo, now)
        await evidence.keep(connection, li, photo, now)
        with pytest.raises(evidence.TooManyUploads):
            await evidence.keep(connection, li, cleaned(picture("red")), now)


# who may see it -------------------------------------------------------------------------------------------------------


async def test_a_photo_is_seen_by_who_sent_it_and_by_reviewers_of_its_act_alone(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    async with transaction(database) as connection:
        await operators.appoint_authority(connection, config, ZHAO, "420000")
        await operators.appoint_authority(connection, config, WANG, "430000")
    li, owner = await known_as(database, config, LI)
    _, reviewer = await known_as(database, config, ZHAO)
    _, elsewhere = await known_as(database, config, WANG)
    _, stranger = await known_as(database, config, HAN)
    digest = await hand_in(client, owner, picture())

    async def seen() -> list[int]:
        callers = (owner, reviewer, elsewhere, stranger, {})
        return [(await client.get(f"/v1/evidence/{digest}", headers=each)).status_code for each in callers]

    assert await seen() == [200, 404, 404, 404, 401]
    await hold(database, li, region="420100", photos=[digest])
    assert await seen() == [200, 200, 404, 404, 401]
    assert (await client.get("/v1/evidence/" + "0" * 64, headers=owner)).status_code == 404
    for odd in ("x", digest.upper(), f"{digest}00"):
        assert (await client.get(f"/v1/evidence/{odd}", headers=owner)).status_code in {400, 404}


async def test_a_photo_is_served_as_a_picture_and_nothing_else(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    _, li = await known_as(database, config, LI)
    answer = await client.get(f"/v1/evidence/{await hand_in(client, li, picture())}", headers=li)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["cache-control"] == "private, no-store"
    assert Image.open(BytesIO(answer.content)).size == (60, 40)


# one act a photo ------------------------------------------------------------------------------------------------------


async def test_a_photo_serves_one_act_of_who_sent_it(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li, by_li = await known_as(database, config, LI)
    han, by_han = await known_as(database, config, HAN)
    mine = bytes.fromhex(await hand_in(client, by_li, picture("green")))
    both = bytes.fromhex(await hand_in(client, by_li, picture("red")))
    assert both == bytes.fromhex(await hand_in(client, by_han, picture("red")))
    pairs = [(li, mine), (han, mine), (li, both), (han, both), (li, bytes(32))]
    async with transaction(database) as connection:
        assert await evidence.usable(connection, []) == set()
        assert await evidence.usable(connection, pairs) == {(li, mine), (li, both), (han, both)}
    await hold(database, li, photos=[both.hex()])
    async with transaction(database) as connection:
        assert await evidence.usable(connection, pairs) == {(li, mine)}
    again = await hand_in(client, by_li, picture("red"))
    async with transaction(database) as connection:
        assert await evidence.usable(connection, [(li, bytes.fromhex(again))]) == set()
    with pytest.raises(asyncpg.UniqueViolationError, match="one_act_a_photo"):
        await hold(database, han, photos=[both.hex()])


async def test_two_acts_that_want_one_photo_at_once_do_not_both_get_it(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li, by_li = await known_as(database, config, LI)
    digest = bytes.fromhex(await hand_in(client, by_li, picture()))
    acts = [await hold(database, li, family=None) for _ in range(4)]

    async def take(action_id: object) -> bool:
        async with transaction(database) as connection:
            if not await evidence.usable(connection, [(li, digest)]):
                return False
            await asyncio.sleep(0.01)
            await evidence.attach(connection, [(action_id, digest)])  # type: ignore[list-item]
            return True

    assert sorted(await asyncio.gather(*map(take, acts))) == [False, False, False, True]


# forgotten in time ----------------------------------------------------------------------------------------------------


async def test_what_no_act_took_is_gone_after_a_day_and_what_one_took_stays(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li, by_li = await known_as(database, config, LI)
    _, by_han = await known_as(database, config, HAN)
    left, used, shared = [await hand_in(client, by_li, picture(each)) for each in ("red", "green", "blue")]
    await hold(database, li, photos=[used])
    await cleaning.forget_old({"pool": database})
    assert (await client.get(f"/v1/evidence/{left}", headers=by_li)).status_code == 200
    await database.execute("UPDATE evidence_uploads SET uploaded_at = now() - interval '25 hours'")
    await hand_in(client, by_han, picture("blue"))
    await cleaning.forget_old({"pool": database})
    seen = [(await client.get(f"/v1/evidence/{each}", headers=by_li)).status_code for each in (left, used, shared)]
    assert seen == [404, 200, 404]
    assert (await client.get(f"/v1/evidence/{shared}", headers=by_han)).status_code == 200
    assert await database.fetchval("SELECT count(*) FROM evidence") == 2


async def test_a_photo_that_an_act_is_taking_is_not_forgotten_meanwhile(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li, by_li = await known_as(database, config, LI)
    digest = bytes.fromhex(await hand_in(client, by_li, picture()))
    act = await hold(database, li)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with transaction(database) as taking:
        assert await evidence.usable(taking, [(li, digest)])
        async with transaction(database) as forgetting:
            assert await evidence.forget_unattached(forgetting, tomorrow) == 0
        await evidence.attach(taking, [(act, digest)])
    assert (await client.get(f"/v1/evidence/{digest.hex()}", headers=by_li)).status_code == 200
