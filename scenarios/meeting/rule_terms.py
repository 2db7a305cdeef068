"""What a rule pack is made of: entries with the clause of each.

What a text leaves open stands in the pack as open; what the operator settles in its stead is marked `policy`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Literal

import msgspec

from scenarios.citations import Certainty, Citation, Cited, Document, PackUsed, resolve
from scenarios.regions import Language

Kind = Literal[
    "meeting", "official_meeting", "forum", "performance", "sports", "exhibition", "festival", "publicity", "other"
]
"""Of an event. official_meeting: 公务会议."""
Host = Literal["government", "institution", "soe", "other"]
"""Who hosts: 政府部门/机关, 事业单位, 国有企业, anyone else."""
Measure = Literal["people", "visits", "area_m2"]
"""What a threshold counts: people by the pack's counting, 人次, square metres of exhibition."""
StandingKey = Literal["large", "covered", "voluntary"]
"""large: what the text calls for first. covered: within the text. voluntary: the text does not reach it."""
Confirmation = Literal["self_declaration", "third_party", "certificate_applied"]
OffsetClass = Literal[
    "citizen_credits",
    "puhui_project",
    "new_forestry",
    "marine_sink",
    "ccer",
    "local_voluntary",
    "national_allowance",
    "local_allowance",
    "other_mechanism",
    "international",
]
SINKS: tuple[OffsetClass, ...] = ("new_forestry", "marine_sink")
Need = Literal["own_place", "china", "recognized", "donated", "used_once"]
"""What a unit must be. recognized: 备案, 核证, 认证 or 认可 as the entry's words say."""
ContentsKey = Literal["plan", "declaration", "certificate", "disclosure", "report"]
FieldKey = Literal[
    "name",
    "organizer",
    "held_at",
    "place",
    "content",
    "size",
    "boundary",
    "estimate_g",
    "measures",
    "offset_method",
    "target_date",
    "emissions_g",
    "neutral_on",
    "confirmation",
    "label",
    "basics",
    "reductions",
    "computation",
    "to_offset_g",
]
"""Of a document's contents. `size` is the people, `basics` the event's 基本情况, `label` basic or full."""
OfficeKey = Literal[
    "publishes", "issues", "inspects", "revokes", "guides", "supervises", "coordinates", "runs_platform"
]
Scope = Literal["basic", "full"]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages; the Chinese in the document's own words where there are any."""

    zh: str
    en: str

    def said(self, language: Language) -> str:
        """The text in that language."""
        return self.zh if language == "zh" else self.en


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where an entry stands: `clause` of a document of the pack. `policy`: the operator says so, or reads it so."""

    clause: str = ""
    document: str = "rule"
    certainty: Certainty = "verbatim"
    policy: bool = False
    note: Text | None = None


class Ground(msgspec.Struct, frozen=True):
    """What something stands on. `citation` is null where no text says so, but the operator."""

    citation: Citation | None
    certainty: Certainty | None
    policy: bool

    @property
    def text(self) -> str:
        """One line for people: the document and its clause."""
        return self.citation.text if self.citation else ""


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much or more of it."""

    measure: Measure
    at_least: int


class Size(Said, frozen=True, kw_only=True):
    """Events of one size. No `kinds` or `hosts`: of any. `any_of`: one threshold reached suffices; none: of any size.

    The first that fits an event is its own; the last fits every event. `unknown` says what the text leaves open.
    """

    key: str
    standing: StandingKey
    label: Text
    duty: Text
    confirmations: tuple[Confirmation, ...]
    kinds: tuple[Kind, ...] = ()
    hosts: tuple[Host, ...] = ()
    any_of: tuple[Threshold, ...] = ()
    prefers: Confirmation | None = None
    unknown: Text | None = None


class Counting(Said, frozen=True, kw_only=True):
    """Who is counted among the people."""

    online: bool
    sub_venues: bool
    words: Text


class Way(Said, frozen=True, kw_only=True):
    """A confirmation, by the name that the text gives it. `issuer` gives it, where it is not the organizer.

    `after_measures`: the text has it only of an event that took reduction measures.
    """

    key: Confirmation
    name: Text
    issuer: Text | None = None
    after_measures: bool = False


class Offset(Said, frozen=True, kw_only=True):
    """Units that may offset, if they are what `needs` says. `rank`: their place in the recommended order, if any.

    `place`: whose own they must be, where that is wider than the rule's own place, as Jining takes all of Shandong's.
    """

    key: str
    classes: tuple[OffsetClass, ...]
    words: Text
    needs: tuple[Need, ...] = ()
    place: str = ""
    rank: int | None = None


class Order(Said, frozen=True, kw_only=True):
    """Does the text recommend an order of offsets?"""

    recommended: bool


class DeadlineRule(Said, frozen=True, kw_only=True):
    """So many calendar months after the event's end; null where the text does not say, and `ask` tells what to do.

    With `classes` it is for these alone, in place of the general one. `in_principle`: 原则上.
    """

    key: str
    what: Text
    months: int | None = None
    classes: tuple[OffsetClass, ...] = ()
    in_principle: bool = False
    ask: Text | None = None


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that a document must hold, in the text's own words; or by the operator's `policy`."""

    key: FieldKey
    label: Text
    policy: bool = False


class Contents(Said, frozen=True, kw_only=True):
    """What a document must hold. `where`: made there, in the text's words."""

    key: ContentsKey
    fields: tuple[Field, ...]
    where: Text | None = None


class Publication(Said, frozen=True, kw_only=True):
    """Must it be published, and where?"""

    required: bool
    where: Text | None = None


class Accounting(Said, frozen=True, kw_only=True):
    """By which standard, and how much at least."""

    standard: Text
    stages: tuple[Literal["prepare", "hold", "close"], ...] = ()
    scope: Scope | None = None


class Retirement(Said, frozen=True, kw_only=True):
    """Where units of these classes are retired; no classes: of all others. `report_to`: told to whom."""

    key: str
    classes: tuple[OffsetClass, ...] = ()
    where: Text | None = None
    report_to: Text | None = None
    proof: bool = False
    publish: bool = False


class Label(Said, frozen=True, kw_only=True):
    """What an event may call itself once it has retired what is in `scope`."""

    key: Literal["neutral", "basic", "full"]
    name: Text
    scope: Scope


class Neutrality(Said, frozen=True, kw_only=True):
    """The test: what was retired is at least what was emitted."""

    words: Text


class Switch(Said, frozen=True, kw_only=True):
    """Which version governs after a change: the newest, or the one in force when the plan was published."""

    to: Literal["newest", "plan_published"]


class Wording(Said, frozen=True, kw_only=True):
    """The place's word for offsetting, first; others that its text uses beside it."""

    words: tuple[Literal["抵销", "抵消"], ...]


class Office(Said, frozen=True, kw_only=True):
    """An office of the authority."""

    key: OfficeKey
    name: Text


class Duty(Said, frozen=True, kw_only=True):
    """Something more that the text asks or allows. `whom` it concerns. `step`: readiness shows it, to be told done."""

    key: str
    whom: Literal["organizer", "verifier", "platform", "authority", "public"]
    text: Text
    step: bool = False


class RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole file of packs/rules. `dating` says how `valid_from` is known, `dating_note` why."""

    id: str
    version: str
    region: str
    title: Text
    valid_from: date
    valid_to: date | None = None
    dating: Literal["signed", "year_only", "undated"]
    dating_note: Text
    checked_on: date
    documents: dict[str, Document]
    scope: Counting
    wording: Wording
    order: Order
    neutrality: Neutrality
    switch: Switch
    accounting: Accounting
    publication: Publication
    sizes: tuple[Size, ...]
    ways: tuple[Way, ...]
    offsets: tuple[Offset, ...]
    deadlines: tuple[DeadlineRule, ...]
    contents: tuple[Contents, ...]
    retirements: tuple[Retirement, ...]
    labels: tuple[Label, ...]
    offices: tuple[Office, ...]
    duties: tuple[Duty, ...]


TABLES = ("scope", "wording", "order", "neutrality", "switch", "accounting", "publication")
LISTS = ("sizes", "ways", "offsets", "deadlines", "contents", "retirements", "labels", "offices", "duties")


class RulePack(RuleFile, frozen=True, kw_only=True, dict=True):
    """A place's rule as read and checked. `digest` is the sha256 of its file."""

    digest: str

    @cached_property
    def used(self) -> PackUsed:
        """Which file it is."""
        return PackUsed(self.id, self.version, self.digest[:16])

    @property
    def word(self) -> str:
        """抵销 or 抵消, as the place writes it."""
        return self.wording.words[0]

    def in_force(self, region: str, on: date) -> bool:
        """Is it that very place's, and in force on that day? Ends are included."""
        return region == self.region and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def ground(self, said: Said) -> Ground:
        """What an entry stands on."""
        if not said.clause:
            return Ground(None, None, said.policy)
        cited = Cited(said.document, said.clause)
        return Ground(resolve(cited, self.documents, self.id), said.certainty, said.policy)

    def entries(self) -> Iterator[tuple[str, Said]]:
        """Every entry by its address, such as sizes.large_meeting."""
        for name in TABLES:
            yield name, getattr(self, name)
        for name in LISTS:
            for each in getattr(self, name):
                yield f"{name}.{each.key}", each

    def contents_of(self, key: ContentsKey) -> Contents | None:
        """What that document must hold, where a text says so."""
        return next((each for each in self.contents if each.key == key), None)

    def way(self, key: Confirmation) -> Way | None:
        """That confirmation, where the place has it."""
        return next((each for each in self.ways if each.key == key), None)

    def office(self, key: OfficeKey) -> Office | None:
        """Who holds that office, where the text says so."""
        return next((each for each in self.offices if each.key == key), None)

    def retirement(self, unit: OffsetClass) -> Retirement | None:
        """Where units of that class are retired."""
        general = next((each for each in self.retirements if not each.classes), None)
        return next((each for each in self.retirements if unit in each.classes), general)
