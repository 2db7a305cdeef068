"""What anyone did to an event, read back for its parties from the view `event_trail`: when, in whose name, what.

Nobody is named: of the organizer's people the last digits of a number are shown, of others in whose name they acted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from service.db import Connection
from service.i18n import mark
from service.statements import CursorUnknown

Party = Literal["organizer", "authority", "verifier", "donor", "system"]
PARTIES: Mapping[Party, str] = {
    "organizer": mark("举办单位"),
    "authority": mark("主管部门"),
    "verifier": mark("技术服务机构"),
    "donor": mark("捐赠单位"),
    "system": mark("系统"),
}
"""In whose name something was done; msgids."""
ACTS: Mapping[str, str] = {
    "event_created": mark("创建活动"),
    "event_cancelled": mark("取消活动"),
    "badges_issued": mark("生成胸卡个人码"),
    "file_uploaded": mark("上传文件"),
    "table_imported": mark("导入活动数据表"),
    "table_ended": mark("整张表不再计入"),
    "line_entered": mark("录入活动数据"),
    "line_corrected": mark("更正活动数据"),
    "line_ended": mark("一条活动数据不再计入"),
    "accounting_opened": mark("开始核算"),
    "accounting_set": mark("设定范围、面积和基准线"),
    "source_absent": mark("说明没有这项排放源"),
    "source_present": mark("收回“没有这项排放源”的说明"),
    "heads_counted": mark("录入到场人数"),
    "modes_corrected": mark("更正报到时说的出行方式"),
    "correction_withdrawn": mark("撤回出行方式的更正"),
    "inventory_submitted": mark("提交排放清单"),
    "inventory_verified": mark("核查排放清单"),
    "facts_said": mark("说明活动的类型、规模和规则所在地"),
    "plan_saved": mark("保存碳中和实施计划"),
    "plan_published": mark("公开碳中和实施计划"),
    "rule_switched": mark("适用的规则换了版本"),
    "measure_planned": mark("计划一项减排措施"),
    "measure_done": mark("登记落实了一项减排措施"),
    "measure_dropped": mark("放弃一项减排措施"),
    "step_noted": mark("登记一件办过的事"),
    "notice_made": mark("发出提醒或通知"),
    "credits_retired": mark("注销捐来的减排量"),
    "units_entered": mark("录入抵销产品"),
    "units_offered": mark("提出捐赠抵销产品"),
    "units_accepted": mark("接受捐赠的抵销产品"),
    "units_declined": mark("谢绝捐赠的抵销产品"),
    "units_withdrawn": mark("收回捐赠的抵销产品"),
    "units_returned": mark("退回抵销产品"),
    "units_retired": mark("登记抵销产品已注销"),
    "verifier_engaged": mark("委托技术服务机构"),
    "engagement_ended": mark("结束委托"),
    "verification_passed": mark("核查通过"),
    "verification_failed": mark("核查未通过"),
    "certificate_applied": mark("申请碳中和证书"),
    "certificate_granted": mark("颁发碳中和证书"),
    "certificate_refused": mark("不予颁发碳中和证书"),
    "neutrality_confirmed": mark("确认碳中和"),
    "confirmation_withdrawn": mark("撤销碳中和确认"),
}
"""What may be done to an event; msgids."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done. `by` is the end of a phone number; `about` what is short of it, nulls left out."""

    at: datetime
    act: str
    party: Party
    by: str | None
    subject: str
    about: dict[str, Any]


class Trail(msgspec.Struct, frozen=True):
    """Entries, the newest first, and what to ask the next ones by."""

    entries: list[Entry]
    more: str | None


class Place(NamedTuple):
    """Where an entry stands in the order of all."""

    at: Annotated[datetime, Meta(tz=True)]
    act: Annotated[str, Meta(pattern="^[a-z_]{1,40}$")]
    subject: Annotated[str, Meta(pattern="^[0-9a-f/-]{1,60}$")]


async def of_event(connection: Connection, event_id: UUID, before: str | None = None, limit: int = 100) -> Trail:
    """What was done to an event; `before` is the `more` of the entries before. Raises CursorUnknown."""
    place = read_cursor(before) if before else (None, None, None)
    rows = await connection.fetch(
        """
        SELECT at, act, party, phone_hint AS by, subject, jsonb_strip_nulls(about) AS about
        FROM event_trail LEFT JOIN members ON members.id = by AND party = 'organizer'
        WHERE event_id = $1 AND ($2::timestamptz IS NULL OR (at, act, subject) < ($2, $3, $4))
        ORDER BY at DESC, act DESC, subject DESC
        LIMIT $5
        """,
        event_id,
        *place,
        limit + 1,
    )
    entries = [Entry(**{**row, "about": msgspec.json.decode(row["about"])}) for row in rows[:limit]]
    return Trail(entries, cursor(entries[-1]) if len(rows) > limit else None)


def cursor(entry: Entry) -> str:
    """An entry's place, as a text for addresses."""
    return urlsafe_b64encode(msgspec.json.encode(Place(entry.at, entry.act, entry.subject))).decode().rstrip("=")


def read_cursor(text: str) -> Place:
    """The place that a text is of. Raises CursorUnknown."""
    try:
        place = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Place)
    except ValueError:
        raise CursorUnknown from None
    if not 2000 < place.at.year < 3000:
        raise CursorUnknown
    return place
