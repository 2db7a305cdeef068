"""Rule packs: law as data, each entry with its clause; chosen by place and day; what a text leaves open stays open."""

from __future__ import annotations

from datetime import date

import pytest

from scenarios.meeting.rule_changes import newly_asked
from scenarios.meeting.rule_files import FOLDER, combined, read_rule
from scenarios.meeting.rule_places import rule_place, rule_places
from scenarios.meeting.rule_terms import RulePack
from scenarios.meeting.rules import governing, narrowest, rule_of, rules
from scenarios.places import search
from scenarios.refusals import PackUnreadable
from tests.ruled import FIVE, GUANGDONG, HAINAN, JINING, SHANGHAI, SHANXI, SHENZHEN, TODAY, rule

GOOD = (FOLDER / "shanghai.toml").read_text("utf-8")
SILENT = (FOLDER / "jining.toml").read_text("utf-8")


def read(text: str) -> RulePack:
    return read_rule(text.encode(), "test.toml")


def succeeded(text: str, begun: str, old: str, new: str) -> tuple[RulePack, RulePack]:
    """A pack that ended in 2026, and its next version, in which something is put differently."""
    assert old in text
    ended = text.replace(f"valid_from = {begun}", f"valid_from = {begun}\nvalid_to = 2026-12-31")
    later = text.replace(f"valid_from = {begun}", "valid_from = 2027-01-01").replace(old, new)
    found = combined([read(ended), read(later)])
    return found[0], found[1]


def test_every_entry_names_its_clause_or_is_marked_policy() -> None:
    assert {each.id for each in rules()} == {*FIVE, "guangdong"}
    for pack in rules():
        for address, said in pack.entries():
            ground = pack.ground(said)
            assert ground.citation or ground.policy, f"{pack.id}:{address}"
            if ground.citation:
                assert ground.citation.clause, address
                assert ground.citation.publisher, address
                assert ground.citation.published_on or ground.citation.edition, address
            assert not ground.policy or said.note, f"{pack.id}:{address} says why"
        assert pack.checked_on <= TODAY


def test_the_narrowest_place_governs() -> None:
    assert rule(SHENZHEN).id == "shenzhen", "not Guangdong's"
    assert rule("440100").id == "guangdong"
    assert rule("460100").id == "hainan"
    assert rule_of("370000", TODAY) is None, "Jining's rule is not all of Shandong's"
    assert rule_of("110000", TODAY) is None
    assert rule_of("AT", TODAY) is None
    assert rule_of("HK", TODAY) is None


def test_a_rule_begins_on_its_day_and_undated_texts_say_so() -> None:
    assert rule_of(SHANGHAI, date(2025, 7, 8)) is None
    assert rule_of(SHANGHAI, date(2025, 7, 9)) is rule(SHANGHAI)
    assert rule_of(SHANXI, date(2022, 11, 14)) is None
    assert rule_of("440100", date(2026, 1, 21)) is None
    assert rule_of(SHENZHEN, date(2022, 12, 31)) is None
    for place in (HAINAN, SHENZHEN):
        assert rule(place).dating == "undated"
        assert "未载日期" in rule(place).dating_note.zh
    assert rule(JINING).dating == "year_only"


def test_shanghai_goes_by_the_newest_version() -> None:
    old, new = succeeded(GOOD, "2025-07-09", "months = 12", "months = 9")
    planned = date(2026, 6, 1)
    found = governing([old, new], SHANGHAI, planned, date(2026, 12, 31))
    assert found
    assert (found.rule, found.before) == (old, None)
    found = governing([old, new], SHANGHAI, planned, date(2027, 1, 1))
    assert found
    assert (found.rule, found.before) == (new, old)
    assert "第二十条" in found.ground.text
    assert [each.zh for each in newly_asked(old, new)] == ["实现碳中和：原则上不晚于大型活动结束后一年内"]


def test_a_silent_text_keeps_the_version_of_the_plan() -> None:
    old, new = succeeded(SILENT, "2023-01-01", "months = 6", "months = 3")
    found = governing([old, new], JINING, date(2026, 6, 1), date(2027, 6, 1))
    assert found
    assert (found.rule, found.before) == (old, None)
    assert found.ground.policy
    found = governing([old, new], JINING, None, date(2027, 6, 1))
    assert found
    assert found.rule is new, "no plan yet: the one in force"
    found = governing([old, new], JINING, date(2027, 1, 1), date(2027, 6, 1))
    assert found
    assert found.rule is new


def test_a_new_version_that_asks_for_the_newest_takes_older_plans_along() -> None:
    silent = '[switch]\npolicy = true\nto = "plan_published"'
    old, new = succeeded(SILENT, "2023-01-01", silent, '[switch]\nclause = "五"\nto = "newest"')
    found = governing([old, new], JINING, date(2026, 6, 1), date(2027, 6, 1))
    assert found
    assert (found.rule, found.before) == (new, old)


def test_no_rule_governs_where_none_is_in_force() -> None:
    assert governing(rules(), "110000", TODAY, TODAY) is None
    assert governing(rules(), SHANGHAI, None, date(2020, 1, 1)) is None
    assert governing([], SHANGHAI, TODAY, TODAY) is None


def test_each_place_keeps_its_word() -> None:
    said = {place: rule(code).word for place, code in FIVE.items()}
    assert said == {"shenzhen": "抵销", "hainan": "抵消", "jining": "抵消", "shanghai": "抵销", "shanxi": "抵销"}
    assert rule(SHANXI).wording.words == ("抵销", "抵消"), "its text has both"


def test_each_place_names_its_offices() -> None:
    def office(place: str, key: str) -> str:
        found = rule(place).office(key)  # type: ignore[arg-type]
        assert found, key
        return found.name.zh

    assert office(HAINAN, "issues") == "海南省国家生态文明试验区建设领导小组办公室"
    assert office(HAINAN, "inspects").startswith("省生态环境厅")
    assert rule(HAINAN).ground(rule(HAINAN).office("revokes")).policy  # type: ignore[arg-type]
    assert office(HAINAN, "guides").startswith("省生态环境厅")
    assert office(HAINAN, "runs_platform").startswith("省大数据管理局")
    assert office(SHANGHAI, "revokes") == "管理平台"
    assert "上海市减污降碳管理运行技术中心" in office(SHANGHAI, "runs_platform")
    assert office(SHANGHAI, "guides") == "上海市减污降碳管理运行技术中心"
    assert office(JINING, "guides").startswith("市生态环境局")
    assert office(JINING, "coordinates").startswith("市发展改革委")
    assert office(JINING, "supervises").startswith("市自然资源局")
    assert office(SHANXI, "supervises").startswith("省生态环境厅")
    assert office(SHENZHEN, "supervises").startswith("市生态环境局")
    assert rule(JINING).office("issues") is None, "nobody issues there"


def labels(place: str, key: str) -> list[str]:
    found = rule(place).contents_of(key)  # type: ignore[arg-type]
    return [each.label.zh for each in found.fields if not each.policy] if found else []


def test_documents_hold_what_the_texts_name() -> None:
    assert labels(SHANGHAI, "plan") == [
        *("名称", "时间", "地点", "内容", "减排措施", "预估排放量", "抵销方式", "预期实现碳中和时间"),
    ]
    four = ["温室气体排放量核算边界", "预估温室气体排放量", "减排措施", "碳中和的抵消方式"]
    assert labels(HAINAN, "plan") == labels(JINING, "plan") == four
    for place in (SHENZHEN, SHANXI, GUANGDONG):
        plan = rule(place).contents_of("plan")
        assert plan
        assert plan.document == "guide"
        assert plan.certainty == "agreed"
        assert labels(place, "declaration") == [], "their texts list none: policy, marked so"
    five = ["活动名称", "组织者", "举办时间", "核算温室气体排放量", "抵消方式"]
    assert labels(HAINAN, "disclosure") == labels(HAINAN, "declaration") == five
    report = ["基本情况", "减排情况", "核算过程", "温室气体排放量", "所需抵销量"]
    assert labels(SHANGHAI, "report") == report
    assert labels(SHANGHAI, "certificate") == labels(SHANGHAI, "declaration") == ["基本或全口径碳中和"]
    assert rule(SHANXI).contents_of("disclosure")


def test_confirmations_carry_the_places_name_and_issuer() -> None:
    said = {
        (pack.id, each.key): (each.name.zh, each.issuer.zh if each.issuer else None)
        for pack in rules()
        for each in pack.ways
    }
    assert said["hainan", "certificate_applied"] == (
        "《碳中和证明书》",
        "海南省国家生态文明试验区建设领导小组办公室",
    )
    assert said["hainan", "self_declaration"] == said["jining", "self_declaration"] == ("自我承诺", None)
    assert said["jining", "third_party"] == ("第三方评价", "经认证的第三方机构")
    assert said["shanghai", "self_declaration"] == ("碳中和自我声明", None)
    assert said["shanghai", "third_party"] == ("碳中和证书", "技术服务机构")
    assert said["shenzhen", "third_party"] == ("技术机构评价", "符合要求的技术机构")
    assert said["shenzhen", "self_declaration"] == ("自我承诺", None)
    assert said["shanxi", "self_declaration"] == ("向社会公示", None)
    assert said["shanxi", "third_party"][1] == "第三方服务机构"


def test_accounting_is_by_the_standard_that_the_text_names() -> None:
    assert (rule(SHANGHAI).accounting.stages, rule(SHANGHAI).accounting.scope) == (("hold",), "basic")
    assert "实测值" in rule(SHANGHAI).accounting.standard.zh
    assert "DB4403/T 369—2023" in rule(SHENZHEN).accounting.standard.zh
    assert "海易办" in rule(HAINAN).accounting.standard.zh
    assert "相应的核算标准和技术规范" in rule(JINING).accounting.standard.zh
    assert "大型活动碳中和实施指南（试行）" in rule(SHANXI).accounting.standard.zh
    assert "DB44/T 2639-2025" in rule(GUANGDONG).accounting.standard.zh


def test_units_are_retired_where_the_text_says() -> None:
    def where(place: str, unit: str) -> str | None:
        found = rule(place).retirement(unit)  # type: ignore[arg-type]
        return found.where.zh if found and found.where else None

    assert where(HAINAN, "citizen_credits") == "海南碳普惠系统"
    assert "注册登记机构" in (where(HAINAN, "ccer") or "")
    assert where(HAINAN, "new_forestry") is None, "its text does not say"
    assert where(JINING, "marine_sink") == where(JINING, "new_forestry") == "山东碳普惠平台"
    assert where(JINING, "ccer") == "相应的碳配额或碳信用注册登记机构"
    assert where(SHANGHAI, "local_allowance") == "相应的注册登记机构"
    assert where(SHANXI, "citizen_credits") == "山西碳普惠相关平台"
    assert where(SHANXI, "national_allowance") == "相应的碳配额或 CCER 注册登记机构"
    assert "统一管理平台" in (where(SHENZHEN, "ccer") or "")


def test_duties_of_organizers_verifiers_and_platforms_are_there() -> None:
    whose = {f"{pack.id}.{each.key}": each.whom for pack in rules() for each in pack.duties}
    assert whose["shanghai.responsible"] == "organizer"
    for key in ("assessment", "verifier_able", "verifier_honest"):
        assert whose[f"shanghai.{key}"] == "verifier"
    assert whose["shanghai.fraud_revoked"] == whose["shanghai.verifier_revoked"] == "platform"
    for place in ("hainan", "shanxi", "shenzhen"):
        assert whose[f"{place}.truthful"] == "organizer"
    assert whose["hainan.allowance_rules"] == "organizer"
    assert whose["guangdong.keep_evidence"] == "organizer"


def test_a_sixth_place_is_added_by_a_pack_alone() -> None:
    """Sichuan's capital, by a file that nothing else knows of."""
    added = read(SILENT.replace('"370800"', '"510100"').replace('place = "370000"\n', "").replace('"jining"', '"cd"'))
    found = narrowest([*rules(), added], "510100", TODAY)
    assert found
    assert found.id == "cd"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "2025"', 'version = "2025"\nsurprise = 1'),
        ('region = "310000"', 'region = "319999"'),
        ('clause = "第二十条"\n', ""),
        ('clause = "第二十条"', 'clause = "第二十条"\ndocument = "rumour"'),
        ('clause = "第二十条"', 'clause = "第二十条"\npolicy = true'),
        ('to = "newest"', 'to = "whichever"'),
        ("months = 12\n", ""),
        ("months = 12", "months = 0"),
        ("months = 12", "months = 12.5"),
        ("at_least = 400", "at_least = 0"),
        ("at_least = 400", "at_least = nan"),
        ('measure = "visits"', 'measure = "applause"'),
        ('classes = ["ccer"]', 'classes = ["ccer", "hot_air"]'),
        ('classes = ["ccer"]', "classes = []"),
        ('classes = ["ccer"]', 'classes = ["ccer"]\nrank = 1'),
        ('classes = ["ccer"]', 'classes = ["ccer"]\nplace = "440000"'),
        ('key = "city_ccer"', 'key = "allowances"'),
        ('key = "held_at", label', 'key = "name", label'),
        ('en = "Large meeting"', 'en = " "'),
        ('publisher = "上海市生态环境局"', 'publisher = ""'),
        ('published_on = "2025-07-09"', 'published_on = ""'),
        ("valid_from = 2025-07-09", "valid_from = 2025-07-09\nvalid_to = 2025-07-08"),
        ('[[ways]]\nkey = "third_party"', '[[ways]]\nkey = "certificate_applied"'),
        ('standing = "voluntary"', 'standing = "voluntary"\nkinds = ["other"]'),
        ("recommended = false", "recommended = true"),
    ],
)
def test_a_pack_that_cannot_be_right_is_refused(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(PackUnreadable):
        read(GOOD.replace(old, new, 1))


def test_a_place_has_one_rule_on_a_day() -> None:
    with pytest.raises(PackUnreadable, match="already"):
        combined([read(GOOD), read(GOOD.replace('id = "shanghai"', 'id = "other"'))])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("深圳", SHENZHEN),
        ("济宁", JINING),
        ("上海", SHANGHAI),
        ("三亚", "460200"),
        ("广州", "440100"),
        ("曲阜", "370000"),
    ],
)
def test_a_city_is_known_by_its_name(name: str, code: str) -> None:
    assert rule_place(search(name, "CN")) == code


def test_where_a_county_lies_is_for_the_organizer_to_say() -> None:
    assert rule_places("370000", TODAY) == (JINING,)
    assert rule_places("440000", TODAY) == (GUANGDONG, SHENZHEN)
    assert rule_places("110000", TODAY) == ()
