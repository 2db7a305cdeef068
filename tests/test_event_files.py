"""Files of an event: known by their bytes, read by its parties alone, never shown by a browser."""

from __future__ import annotations

import io

import asyncpg
import httpx
import pytest
from PIL import Image

from service import event_files
from service.config import Config
from service.event_files import clean_name
from tests.browsing import assert_english, assert_sound, links, open_event, sign_in
from tests.paper import see, send
from tests.people import HAN, LI, WANG, ZHAO, Headers, add_gate_keeper, appoint, found_organization, key
from tests.test_activity_data import an_event
from tests.test_events import new_event

PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"


async def upload(
    client: httpx.AsyncClient, who: Headers, event_id: object, content: bytes, name: str
) -> httpx.Response:
    """Hand a file in, with a type that says nothing."""
    url = f"/v1/events/{event_id}/files"
    query = {"name": name, "purpose": "invoice"}
    return await client.post(url, params=query, content=content, headers=who | key() | {"content-type": "text/html"})


async def test_a_file_is_read_by_the_events_parties_alone(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    organizer, organization = await found_organization(client, WANG)
    event = (await client.post("/v1/events", json=new_event(organization), headers=organizer | key())).json()
    kept = await upload(client, organizer, event["id"], PDF, "../发票<1>.pdf")
    assert kept.status_code == 201, kept.text
    assert (kept.json()["media_type"], kept.json()["name"], kept.json()["purpose"]) == (
        "application/pdf",
        "发票1.pdf",
        "invoice",
    )
    assert (await upload(client, organizer, event["id"], PDF, "again.pdf")).status_code == 201
    assert await database.fetchval("SELECT count(*) FROM files") == 1
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    stranger, _ = await found_organization(client, LI, "别家")
    authority = await appoint(client, database, config, ZHAO, "110000")
    url = f"/v1/events/{event['id']}/files/{kept.json()['id']}"
    answers = [await client.get(url, headers=who) for who in (organizer, authority, keeper, stranger)]
    assert [each.status_code for each in answers] == [200, 200, 403, 404]
    assert answers[0].content == PDF
    headers = answers[0].headers
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%E5%8F%91%E7%A5%A81.pdf"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "private, no-store")
    assert len((await client.get(f"/v1/events/{event['id']}/files", headers=authority)).json()) == 2


async def test_a_files_bytes_tell_what_it_is(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    for content, kind in ((picture.getvalue(), "image/png"), ("电表,读数\n1,2\n".encode(), "text/csv")):
        assert (await upload(client, organizer, event.id, content, "x.pdf")).json()["media_type"] == kind
    for content, code in (
        (b"", "file_empty"),
        (b"MZ\x90\x00", "file_type_unknown"),
        (b"PK\x03\x04", "workbook_unreadable"),
        (b"\x89PNG\r\n\x1a\nrest", "not_a_photo"),
        (b"%PDF-" + b" " * event_files.LARGEST_BYTES, "file_too_large"),
    ):
        assert (await upload(client, organizer, event.id, content, "x.pdf")).json()["code"] == code


@pytest.mark.parametrize(
    ("name", "clean"),
    [("", "file"), ("..", "file"), ("C:\\a\\b.pdf", "b.pdf"), ("a\x00\nb", "ab"), ("长" * 300, "长" * 120)],
)
def test_a_files_name_is_made_harmless(name: str, clean: str) -> None:
    assert clean_name(name) == clean


async def test_an_organizer_sees_who_handed_in_what_and_hands_in_more(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database, config)
    await sign_in(client, database, config, WANG)
    home = f"/organize/events/{event.id}"
    url = f"{home}/files"
    for leading in (home, f"{home}/accounting"):
        assert {url, f"{home}/reports"} <= set(links(await see(client, leading), home))
    empty = await see(client, url)
    assert "还没有文件" in empty.text
    sent = {"file": ("<电费>.pdf", PDF, "application/pdf")}
    kept = await send(client, empty.form("files"), files=sent, purpose="invoice")
    assert_sound(kept, "zh")
    assert "电费.pdf发票" in kept.text
    assert "1\u00a0KB" in "".join(kept.root.itertext())
    assert (await client.get(links(kept, f"{url}/")[0])).content == PDF
    again = await send(client, empty.form("files"), files=sent, purpose="invoice")
    assert len(links(again, f"{url}/")) == 1
    for content, said in ((b"MZ\x90\x00", "只接受 PDF"), (b"", "文件是空的")):
        wrong = await send(client, kept.form("files"), files={"file": ("x.pdf", content, "")})
        assert wrong.answer.status_code in {400, 422}
        assert said in wrong.text
    odd = await send(client, kept.form("files"), files=sent, purpose="spell")
    assert odd.answer.status_code == 422
    english = await see(client, f"/language/en?to={url}")
    assert_sound(english, "en")
    assert_english(english)
