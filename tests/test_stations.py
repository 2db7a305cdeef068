"""Stations: a scan there logs what it says, once; fresh in full, from paper at half; only where it may be."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from service import codes, organizations, partners, posters, station_scans, stations
from service.access import Caller
from service.codes import CodeForged
from service.config import Config
from service.db import transaction
from service.errors import NotAllowed, NotFound, Refusal
from service.members import member_by_phone
from service.partners import NewScope
from service.station_scans import StationForm
from service.stations import NewStation, Station, StationNotApproved, StationUnfit
from tests.browsing import assert_sound, count, sign_in
from tests.clocks import later
from tests.conftest import serving
from tests.paper import post, see, send
from tests.partnering import Reporting, make_partner
from tests.people import HAN, LI, WANG, key
from tests.people import sign_in as sign_in_app

CONFIG = Config(database_url="", redis_url="", secret=b"a secret of the tests, 32 bytes.", base_url="https://t.example")
PLATE = NewScope("110000", "clean_plate")
CANTEEN = NewStation("东门食堂", "110000", "clean_plate", 1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def partner(database: asyncpg.Pool, config: Config) -> Reporting:
    """A partner that may report clean plates in Beijing; 王芳 organizes for it, 韩梅梅 keeps its places."""
    made = await make_partner(database, config, PLATE, NewScope("110000", "metro"), name="城市食堂")
    async with transaction(database) as connection:
        owner = await connection.fetchval("SELECT organization_id FROM partners WHERE id = $1", made.id)
        for phone, role in ((WANG, "editor"), (HAN, "gate")):
            await organizations.put_member(connection, owner, await member_by_phone(connection, config, phone), role)
    return made


@pytest.fixture
async def canteen(database: asyncpg.Pool, partner: Reporting) -> Station:
    """A station of it."""
    return await set_up(database, partner)


async def set_up(pool: asyncpg.Pool, partner: Reporting, new: NewStation = CANTEEN) -> Station:
    """Set a station up as its organizer."""
    async with transaction(pool) as connection:
        return await stations.set_up(connection, partner.organizer, partner.id, new, datetime.now(UTC))


async def close(pool: asyncpg.Pool, partner: Reporting, station: Station) -> None:
    """Close a station as its organizer."""
    async with transaction(pool) as connection:
        await stations.close(connection, partner.organizer, station.id, datetime.now(UTC))


def screen(config: Config, station: Station, at: datetime | None = None) -> str:
    """Where a scan of the station's screen leads."""
    return f"/s/{codes.screen_code(config, station.short_code, at or datetime.now(UTC), 'station')}"


def poster(config: Config, station: Station) -> str:
    """Where a scan of the station's poster leads."""
    return f"/s/{codes.poster_code(config, station.short_code, 'station')}"


async def acts(pool: asyncpg.Pool) -> list[tuple[str, str, int, UUID]]:
    """Every act: its source, evidence, grams and station, the oldest first."""
    rows = await pool.fetch("SELECT source, evidence, reduction_g, station_id FROM actions ORDER BY logged_at")
    return [tuple(each) for each in rows]


# scanning -------------------------------------------------------------------------------------------------------------


async def test_a_screens_code_earns_in_full_and_a_posters_less(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, canteen: Station
) -> None:
    await sign_in(client, database, config, LI)
    asked = await see(client, screen(config, canteen))
    assert ("449" in asked.text, "东门食堂" in asked.text, "城市食堂" in asked.text) == (True, True, True)
    logged = await send(client, asked.form())
    assert logged.answer.url.path.startswith("/me/actions/")
    assert await acts(database) == [("code", "proven", 449, canteen.id)]
    await sign_in(client, database, config, HAN)
    asked = await see(client, poster(config, canteen))
    assert ("224" in asked.text, "449" in asked.text) == (True, True)
    await send(client, asked.form())
    assert (await acts(database))[1] == ("code", "self_declared", 224, canteen.id)


async def test_a_second_submit_finds_the_first(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, partner: Reporting, canteen: Station
) -> None:
    await sign_in(client, database, config, LI)
    form = (await see(client, screen(config, canteen))).form()
    first, second = [await post(client, form) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    await close(database, partner, canteen)
    with later(timedelta(hours=1)):
        third = await post(client, form)
    assert third.headers["location"] == first.headers["location"]
    assert await count(database, "actions") == 1


async def test_whoever_is_not_signed_in_sees_what_it_earns_and_keeps_the_fresh_code(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, canteen: Station
) -> None:
    asked = await see(client, screen(config, canteen))
    assert "449" in asked.text
    assert asked.forms() == []
    (to,) = [each.get("href", "").partition("?to=")[2] for each in asked.all("a") if "/sign-in" in each.get("href", "")]
    await sign_in(client, database, config, LI)
    with later(10 * MINUTE):
        await send(client, (await see(client, to)).form())
    assert await acts(database) == [("code", "proven", 449, canteen.id)]


async def test_a_form_that_got_old_is_asked_again_and_counts_as_a_posters(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, canteen: Station
) -> None:
    await sign_in(client, database, config, LI)
    form = (await see(client, screen(config, canteen))).form()
    with later(21 * MINUTE):
        again = await send(client, form)
        assert "站点码已过期" in again.text
        assert await count(database, "actions") == 0
        await send(client, again.form())
    assert await acts(database) == [("code", "self_declared", 224, canteen.id)]


async def test_an_old_screen_code_counts_as_a_posters(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, canteen: Station
) -> None:
    await sign_in(client, database, config, LI)
    asked = await see(client, screen(config, canteen, datetime.now(UTC) - 3 * MINUTE))
    assert "站点码已过期" in asked.text
    await send(client, asked.form())
    assert (await acts(database))[0][1] == "self_declared"


async def test_a_ticket_is_good_for_one_member_only(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, canteen: Station
) -> None:
    await sign_in(client, database, config, LI)
    first = await see(client, screen(config, canteen))
    await send(client, first.form())
    await sign_in(client, database, config, HAN)
    shared = (await see(client, screen(config, canteen))).form()
    shared.fields["ticket"] = first.form().fields["ticket"]
    assert "已经提交过" in (await send(client, shared)).text
    assert await count(database, "actions") == 1


async def test_the_device_is_noted_and_one_that_many_share_has_its_acts_looked_at(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, canteen: Station
) -> None:
    for number in range(6):
        await sign_in(client, database, config, f"1390000000{number}")
        await send(client, (await see(client, screen(config, canteen))).form())
    assert await count(database, "member_devices") == 6
    assert await database.fetchval("SELECT count(DISTINCT device) FROM member_devices") == 1
    held = await database.fetch("SELECT state, held_because FROM actions ORDER BY logged_at")
    assert [tuple(each) for each in held] == [("credited", None)] * 5 + [("in_review", "shared_device")]


async def test_a_typed_short_code_leads_to_the_station(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, canteen: Station
) -> None:
    form = (await see(client, "/s")).form()
    assert (form.method, list(form.fields)) == ("get", ["code"])
    found = await see(client, f"{form.action}?code={codes.in_groups(canteen.short_code).lower()}")
    assert "东门食堂" in found.text
    for wrong in ("AAAA-AAAA", "短码", canteen.short_code + "0" * 13, codes.poster_code(config, canteen.short_code)):
        answer = await see(client, f"{form.action}?code={wrong}")
        assert "不是有效的站点码" in answer.text, wrong


async def test_a_closed_station_is_refused(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, partner: Reporting, canteen: Station
) -> None:
    await sign_in(client, database, config, LI)
    form = (await see(client, screen(config, canteen))).form()
    await close(database, partner, canteen)
    await close(database, partner, canteen)
    assert "已经停用" in (await see(client, poster(config, canteen))).text
    assert "已经停用" in (await send(client, form)).text
    assert await count(database, "actions") == 0


async def test_a_station_whose_scope_was_withdrawn_is_refused(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, partner: Reporting, canteen: Station
) -> None:
    await sign_in(client, database, config, LI)
    form = (await see(client, screen(config, canteen))).form()
    async with transaction(database) as connection:
        await partners.withdraw_scope(connection, partner.officer, partner.id, PLATE, datetime.now(UTC))
    assert "没有批准" in (await send(client, form)).text
    assert await count(database, "actions") == 0


@pytest.mark.parametrize(
    ("new", "refusal"),
    [
        (NewStation("亭", "110000", "no_disposables", 1), StationNotApproved),
        (NewStation("亭", "110000", "metro", 1_000), StationUnfit),
    ],
)
async def test_a_station_is_set_up_only_for_what_a_scan_can_tell_and_the_authority_approved(
    database: asyncpg.Pool, partner: Reporting, new: NewStation, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        await set_up(database, partner, new)
    assert await count(database, "stations") == 0


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewStation("亭", "110000", "flying", 1), "unknown_action"),
        (NewStation("亭", "440000", "clean_plate", 1), "no_methodology"),
        (NewStation("亭", "110000", "clean_plate", 10**6), "quantity_absurd"),
    ],
)
async def test_what_no_methodology_says_is_no_station(
    database: asyncpg.Pool, partner: Reporting, new: NewStation, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await set_up(database, partner, new)
    assert refused.value.code == code


async def test_only_those_who_act_for_the_partner_set_up_show_and_close(
    database: asyncpg.Pool, config: Config, partner: Reporting, canteen: Station
) -> None:
    other = await make_partner(database, config, PLATE)
    now = datetime.now(UTC)
    async with transaction(database) as connection:
        keeper = Caller(await member_by_phone(connection, config, HAN), frozenset())
        for stranger in (other.organizer, other.officer, partner.officer):
            with pytest.raises(NotFound):
                await stations.set_up(connection, stranger, partner.id, CANTEEN, now)
            with pytest.raises(NotFound):
                await stations.of_partner(connection, stranger, partner.id)
            with pytest.raises(NotFound):
                await stations.close(connection, stranger, canteen.id, now)
        assert [each.id for each in await stations.of_partner(connection, keeper, partner.id)] == [canteen.id]
        with pytest.raises(NotAllowed):
            await stations.close(connection, keeper, canteen.id, now)
        with pytest.raises(NotAllowed):
            await stations.set_up(connection, keeper, partner.id, CANTEEN, now)


short_codes = st.text(codes.ALPHABET, min_size=8, max_size=8)
NOW = datetime(2026, 11, 21, 9, 2, 30, tzinfo=UTC)


@given(short_codes, st.uuids(), st.booleans())
def test_a_stations_code_is_never_a_gates(short_code: str, act: UUID, fresh: bool) -> None:
    def all_of(place: codes.Place) -> list[str]:
        return [
            codes.poster_code(CONFIG, short_code, place),
            codes.screen_code(CONFIG, short_code, NOW, place),
            codes.ticket(CONFIG, short_code, act, fresh, NOW, place),
        ]

    for code in all_of("station"):
        assert station_scans.read_code(CONFIG, code, NOW).short_code == short_code
        with pytest.raises(CodeForged):
            codes.read_code(CONFIG, code, NOW)
    for code in all_of("gate"):
        with pytest.raises(CodeForged):
            station_scans.read_code(CONFIG, code, NOW)


async def test_a_decoder_follows_poster_and_screen_to_the_station(canteen: Station) -> None:
    png = await stations.poster(CONFIG, canteen, "png")
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)).convert("L"))
    address, code = read.text.rsplit("/s/", 1)
    assert address == CONFIG.base_url
    assert station_scans.read_code(CONFIG, code, NOW) == codes.Scanned(canteen.short_code, fresh=False)
    shown = stations.screen(CONFIG, canteen, NOW)
    assert station_scans.read_code(CONFIG, shown.code, NOW) == codes.Scanned(canteen.short_code, fresh=True)
    pdf = await stations.poster(CONFIG, canteen, "pdf")
    assert pdf.startswith(b"%PDF")
    words = stations.words(CONFIG, canteen)
    assert (words["event"], words["days"], words["address"]) == ("东门食堂", "城市食堂", "t.example/s")
    assert set(posters.CAPTIONS) == set(stations.CAPTIONS)


# over HTTP ------------------------------------------------------------------------------------------------------------


async def test_an_app_scans_and_logs(client: httpx.AsyncClient, config: Config, canteen: Station) -> None:
    li = await sign_in_app(client, LI)
    code = codes.screen_code(config, canteen.short_code, datetime.now(UTC), "station")
    served = await client.get(f"/v1/station-codes/{code}")
    form = msgspec.json.decode(served.content, type=StationForm)
    assert (form.station_id, form.fresh, form.earns_g, form.label) == (canteen.id, True, 449, "光盘行动")
    own = {"Idempotency-Key": str(form.action_id)}
    sent = await client.post("/v1/station-scans", json={"code": form.ticket}, headers=li | own)
    assert (sent.status_code, sent.json()["reduction_g"], sent.json()["evidence"]) == (201, 449, "proven")
    assert sent.json()["action_id"] == str(form.action_id)
    again = await client.post("/v1/station-scans", json={"code": form.ticket}, headers=li | own)
    assert again.json()["action_id"] == sent.json()["action_id"]
    other = await client.post("/v1/station-scans", json={"code": form.ticket}, headers=li | key())
    assert (other.status_code, other.json()["code"]) == (400, "code_forged")
    soon = await client.post("/v1/station-scans", json={"code": code}, headers=li | key())
    assert (soon.status_code, soon.json()["code"]) == (409, "action_counted_already")
    nobody = await client.post("/v1/station-scans", json={"code": code}, headers=key())
    assert nobody.status_code == 401


async def test_a_key_that_named_another_act_is_refused(
    client: httpx.AsyncClient, config: Config, canteen: Station
) -> None:
    li, same = await sign_in_app(client, LI), key()
    today = datetime.now(UTC).date().isoformat()
    said = {"region": "140000", "action": "no_cutlery", "quantity": 1, "occurred_on": today}
    await client.post("/v1/actions", json=said | {"started_at": f"{today}T00:00:00Z"}, headers=li | same)
    code = codes.screen_code(config, canteen.short_code, datetime.now(UTC), "station")
    answer = await client.post("/v1/station-scans", json={"code": code}, headers=li | same)
    assert (answer.status_code, answer.json()["code"]) == (409, "id_reused")


async def test_an_app_sets_up_and_closes(client: httpx.AsyncClient, partner: Reporting) -> None:
    wang = await sign_in_app(client, WANG)
    url, body, same = f"/v1/partners/{partner.id}/stations", msgspec.to_builtins(CANTEEN), key()
    made = await client.post(url, json=body, headers=wang | same)
    assert made.status_code == 201, made.text
    assert (await client.post(url, json=body, headers=wang | same)).json() == made.json()
    station = f"/v1/stations/{made.json()['id']}"
    listed = await client.get(url, headers=wang)
    assert [each["short_code"] for each in listed.json()] == [made.json()["short_code"]]
    assert "/s/" in (await client.get(f"{station}/screen-code", headers=wang)).json()["url"]
    for form, media_type in posters.MEDIA_TYPES.items():
        answer = await client.get(f"{station}/poster/{form}", headers=wang)
        assert answer.headers["content-type"].split(";")[0] == media_type
    closed = await client.post(f"{station}/closure", headers=wang | key())
    assert closed.json()["closed_at"] is not None
    assert (await client.get(f"/v1/station-codes/{made.json()['short_code']}")).json()["code"] == "station_closed"


async def test_a_partner_sets_up_a_station_on_its_pages(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, partner: Reporting
) -> None:
    await sign_in(client, database, config, WANG)
    url = f"/organize/partners/{partner.id}/stations"
    page = await see(client, "/organize/stations")
    assert page.answer.url.path == url
    form = page.form("/stations")
    assert form.fields["kind"] == "110000 clean_plate"
    assert "请检查" in (await send(client, form, name="", quantity="1")).text
    assert "请检查" in (await send(client, form, name="亭", kind="110000 metro")).text
    assert "不是可用的数字" in (await send(client, form, name="亭", quantity="x")).text
    made = await send(client, form, name="西门食堂", quantity="1")
    assert "西门食堂" in made.text
    await send(client, form, name="西门食堂", quantity="1")
    assert await count(database, "stations") == 1
    screen_path = next(each.get("href", "") for each in made.all("a") if each.get("href", "").endswith("/screen"))
    shown = await see(client, screen_path)
    assert "西门食堂" in shown.text
    await sign_in(client, database, config, HAN)
    assert (await see(client, screen_path)).answer.status_code == 200
    await sign_in(client, database, config, LI)
    for path in (url, screen_path):
        assert (await see(client, path)).answer.status_code in {403, 404}
    await sign_in(client, database, config, WANG)
    assert "已停用" in (await send(client, made.form("/close"))).text


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_pages_of_stations_are_sound(
    database: asyncpg.Pool, config: Config, partner: Reporting, canteen: Station, language: str
) -> None:
    async with serving(config) as client:
        await see(client, f"/language/{language}")
        for path in ("/s", "/s/AAAA-AAAA", screen(config, canteen), poster(config, canteen)):
            assert_sound(await see(client, path), language)
        await sign_in(client, database, config, WANG)
        own = (f"/organize/partners/{partner.id}/stations", f"/organize/stations/{canteen.id}/screen")
        for path in (*own, screen(config, canteen), poster(config, canteen)):
            assert_sound(await see(client, path), language)
