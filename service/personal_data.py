"""What is kept about people: what, why, for how long, and what becomes of it at an erasure. One row a kind of data.

The page /privacy shows these rows, the export holds what they name, and a test walks the schema: a table that leads to
a member belongs to one of them. Days are the operator's policy (`keeping.toml`); the workers delete by the same file.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from service.i18n import mark

STATUTE = mark("《中华人民共和国个人信息保护法》（2021-08-20，全国人民代表大会常务委员会）")
POLICY = Path(__file__).parent / "keeping.toml"
LASTING = mark("直到您删除账户。")
FOR_GOOD = mark("长期：账目只增不改，任何人都能复核。")


class Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days."""

    requests: int
    photos: int
    sessions: int


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's policy of keeping."""

    policy: Literal[True]
    checked_on: date
    days: Days


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of data. `values` fill the text of `how_long`; `at_erasure` says what is left when its owner has gone.

    `tables` are where it stands, `files` where the export shows it.
    """

    name: str
    title: str
    what: str
    why: str
    how_long: str
    at_erasure: str
    tables: tuple[str, ...]
    files: tuple[str, ...]
    values: dict[str, int] = {}


def policy() -> Policy:
    """The policy that ships. Raises msgspec's ValidationError for one that cannot be."""
    with POLICY.open("rb") as source:
        return msgspec.convert(tomllib.load(source), Policy)


DAYS = policy().days
EVERYTHING: tuple[Kept, ...] = (
    Kept(
        name="phone",
        title=mark("手机号"),
        what=mark("手机号的加密摘要和部分数字。完整号码不存。"),
        why=mark("认出您。"),
        how_long=LASTING,
        at_erasure=mark("删除。同一号码以后再登录，是一个新账户。"),
        tables=("members",),
        files=("profile.json",),
    ),
    Kept(
        name="sign_in",
        title=mark("登录"),
        what=mark("登录的时间和方式；验证码及其发送时间、网络地址，都只存加密摘要。"),
        why=mark("让您保持登录；防止有人冒用您的号码。"),
        how_long=mark("登录：结束后 %(days)s 天。验证码：%(codes)s 天。"),
        values={"days": DAYS.sessions, "codes": DAYS.requests},
        at_erasure=mark("登录全部结束并删除。验证码的发送时间到期照样删除。"),
        tables=("sessions", "sign_in_codes", "sign_in_sends"),
        files=("sessions.json", "codes_sent.json"),
    ),
    Kept(
        name="requests",
        title=mark("请求的回执"),
        what=mark("您的请求得到的答复：重发同一个请求时，答复也相同。"),
        why=mark("网络不好时不重复办理。"),
        how_long=mark("%(days)s 天。"),
        values={"days": DAYS.requests},
        at_erasure=mark("删除。"),
        tables=("idempotent_requests",),
        files=("requests.json",),
    ),
    Kept(
        name="devices",
        title=mark("设备"),
        what=mark("记录行为时所用设备的随机编号的加密摘要，第一次和最近一次使用的日期。"),
        why=mark("发现很多人共用一台设备刷量。"),
        how_long=LASTING,
        at_erasure=mark("删除。"),
        tables=("member_devices",),
        files=("devices.json",),
    ),
    Kept(
        name="actions",
        title=mark("低碳行为"),
        what=mark("哪种、多少、哪天、什么地区，怎么核算的；起止时间、地点码、审核的决定和理由。"),
        why=mark("核算和签发减排量；同一次行为只记一次。"),
        how_long=FOR_GOOD,
        at_erasure=mark(
            "起止时间、地点、待审原因和您的申诉删除，待定的行为不再记入。种类、数量、日期、核算和审核决定留在不透明的账户下，"
            "它们是已签发减排量的依据。"
        ),
        tables=("actions", "action_reviews", "action_appeals"),
        files=("actions.json",),
    ),
    Kept(
        name="photos",
        title=mark("照片"),
        what=mark("您上传的照片和截图，已去掉位置和设备信息。"),
        why=mark("证明行为；只有您和审核员能看。"),
        how_long=mark("用作凭证的：直到您删除账户。没有用上的：%(days)s 天。"),
        values={"days": DAYS.photos},
        at_erasure=mark("删除。"),
        tables=("evidence", "evidence_uploads", "action_evidence"),
        files=("actions.json", "photos.json", "evidence/"),
    ),
    Kept(
        name="consents",
        title=mark("合作方"),
        what=mark("您同意哪个合作方上报哪种行为，何时同意、何时撤回；合作方只知道您的一个专用编号。"),
        why=mark("没有您的同意，不收合作方关于您的数据。"),
        how_long=LASTING,
        at_erasure=mark("删除。合作方手里的编号不再通向任何人，迟到的数据一律不收。"),
        tables=("consents",),
        files=("consents.json",),
    ),
    Kept(
        name="check_ins",
        title=mark("活动报到"),
        what=mark("时间、入口、出行方式、里程、住宿、用餐、同行人数。不记出发地。"),
        why=mark("核算活动的碳排放；按低碳出行签发减排量。"),
        how_long=mark("长期：活动的排放清单以它为依据。"),
        at_erasure=mark("留在活动的排放清单里，只剩一个不透明的编号。"),
        tables=("check_ins", "counted_attendees"),
        files=("check_ins.json",),
    ),
    Kept(
        name="ledger",
        title=mark("减排量的账目"),
        what=mark("签发、捐赠、预留、注销、失效，以及失效的通知。"),
        why=mark("一克只算一次，人人可以复核。"),
        how_long=FOR_GOOD,
        at_erasure=mark("留在不透明的账户下；账户关闭，剩余的减排量不能再用。"),
        tables=(
            "accounts",
            "account_closings",
            "balances",
            "transfers",
            "donations",
            "reservations",
            "expiry_notices",
        ),
        files=("balance.json", "statement.csv", "donations.json", "reservations.json", "expiry_notices.json"),
    ),
    Kept(
        name="certificates",
        title=mark("注销证书"),
        what=mark("给谁、为什么、多少、序列号。"),
        why=mark("证书是公开的凭据。"),
        how_long=FOR_GOOD,
        at_erasure=mark("留下人人都看得到的部分：个人姓名只剩第一个字。"),
        tables=("retirements",),
        files=("retirements.json",),
    ),
    Kept(
        name="offices",
        title=mark("职务"),
        what=mark("您为组织、主管部门或合作方做的事：身份、创建、录入、批准、审核、发布。"),
        why=mark("知道谁有权做什么，谁做了什么。"),
        how_long=mark("身份：直到取消。做过的事：长期，它们属于组织的记录。"),
        at_erasure=mark("身份删除。做过的事留在组织的记录里，只剩一个不透明的编号。"),
        tables=(
            "organization_members",
            "authority_members",
            "organizations",
            "activity_data",
            "event_files",
            "imports",
            "event_cancellations",
            "partners",
            "partner_scopes",
            "partner_keys",
            "published_methodologies",
            "action_reviews",
            "jobs",
            "accountings",
            "accounting_settings",
            "absent_sources",
            "inventories",
            "inventory_verifications",
            "head_counts",
            "mode_corrections",
            "organization_changes",
            "operators",
            "verifier_registrations",
            "event_facts",
            "neutrality_plans",
            "plan_publications",
            "event_measures",
            "event_marks",
            "offset_units",
            "engagements",
            "verification_reports",
            "certificate_applications",
            "confirmations",
        ),
        files=("offices.json", "event_work.json"),
    ),
)
"""Every kind of data that is kept about people."""


def kept(name: str) -> Kept:
    """The kind of data of that name. Raises KeyError."""
    return {each.name: each for each in EVERYTHING}[name]
