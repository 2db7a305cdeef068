"""A report as headings, paragraphs and tables in one language: what its PDF, its DOCX and its workbook are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from scenarios.labels import FACTOR_LABELS
from scenarios.meeting.items import items
from scenarios.meeting.report_cells import ways_of
from scenarios.meeting.reports import LineSaid, Report
from scenarios.regions import jurisdiction_name
from service.charts import by_source, source_names
from service.events import KINDS
from service.i18n import Language, mark, translate
from service.report_words import (
    MISSING,
    WORDS,
    Align,
    Document,
    Picture,
    Section,
    Table,
    Text,
    count_or_dash,
    grams,
    percent,
    rate_text,
)


class Writer:
    """Says a report in one language."""

    def __init__(self, report: Report, language: Language) -> None:
        self.report, self.language = report, language

    def say(self, text: str, **values: object) -> str:
        """A text of the catalog with its values put in."""
        return translate(self.language, text).format(**values)

    def word(self, key: str) -> str:
        """What a key of the report is called."""
        return translate(self.language, WORDS[key]) if key in WORDS else key

    def source(self, key: str) -> str:
        """What an emission source is called."""
        return source_names(self.language).get(key, key)

    def item(self, key: str) -> str:
        """What an item of activity data, a mode or a factor is called."""
        found = items().get(key)
        if found is not None:
            return found.label_zh if self.language == "zh" else found.label_en
        return translate(self.language, FACTOR_LABELS[key]) if key in FACTOR_LABELS else self.word(key)

    def document(self) -> Document:
        """The sections in the order that the guide names."""
        event, version = self.report.event, self.report.version
        number = self.say(mark("第 {number} 版"), number=version.number) if version.number else self.word("draft")
        form = mark("公开本") if self.report.form == "public" else mark("全本")
        state = "" if version.number is None else f" · {self.word(version.state)}"
        return Document(
            lang=self.language,
            title=self.say(mark("碳中和实施报告")),
            subtitle=event.name,
            status=f"{number}{state} · {self.say(form)} · {version.made_at:%Y-%m-%d}",
            page_of=self.say(mark("第 {page} 页，共 {pages} 页"), page="{page}", pages="{pages}"),
            sections=[
                Section(1, self.say(mark("一、基本情况")), self.basics()),
                Section(1, self.say(mark("二、减排情况")), self.measures()),
                Section(1, self.say(mark("三、核算过程")), self.boundary()),
                Section(2, self.say(mark("数据包和版本")), self.packs()),
                Section(2, self.say(mark("未作答人员的推算")), self.extrapolated()),
                Section(1, self.say(mark("四、排放量")), self.totals()),
                Section(2, self.say(mark("按排放源")), self.by_source()),
                Section(2, self.say(mark("按范围、阶段、数据质量和气体")), self.divisions()),
                Section(2, self.say(mark("薄弱之处")), self.weak()),
                Section(1, self.say(mark("五、所需抵销量")), self.offset()),
                Section(1, self.say(mark("附表一　活动数据")), self.lines()),
                Section(1, self.say(mark("附表二　报到汇总")), self.check_ins()),
                Section(1, self.say(mark("附表三　排放因子")), self.factors()),
                Section(1, self.say(mark("附表四　附件清单")), self.annexes()),
                Section(1, self.say(mark("复核方法")), self.proof()),
            ],
        )

    def pairs(self, rows: Iterable[tuple[str, object]], sheet: str = "") -> Table:
        """A table of labels and values."""
        told: list[list[str | int]] = [[self.say(label), str(value)] for label, value in rows]
        columns = [self.say(mark("项目")), self.say(mark("内容"))]
        return Table(columns=columns, rows=told, widths=[28, 72], align=["left", "left"], sheet=sheet)

    def table(self, columns: Sequence[tuple[str, int, Align]], rows: Iterable[list[Any]], sheet: str = "") -> Table:
        """A table with headings."""
        return Table(
            columns=[self.say(text) for text, _, _ in columns],
            rows=list(rows),
            widths=[width for _, width, _ in columns],
            align=[align for _, _, align in columns],
            sheet=sheet,
        )

    def basics(self) -> list[Table | Text | Picture]:
        """一、基本情况."""
        event, facts = self.report.event, self.report.facts
        days = event.first.isoformat() if event.first == event.last else f"{event.first} – {event.last}"
        rows: list[tuple[str, object]] = [
            (mark("活动名称"), event.name),
            (mark("举办单位"), event.organizer),
            (mark("活动类型"), self.say(KINDS[event.kind]) if event.kind in KINDS else event.kind),
            (mark("举办地点"), f"{jurisdiction_name(event.place, self.language)} {event.venue}"),
            (mark("举办日期"), days),
            (mark("预计人数"), f"{event.expected_people:,}"),
            (mark("实到人数"), self.say(mark("未填写")) if facts.people is None else f"{facts.people:,}"),
            (mark("报到人次"), f"{self.report.result.check_ins:,}"),
            (mark("场地面积"), self.say(mark("未填写")) if facts.area_m2 is None else f"{facts.area_m2} m²"),
        ]
        because = self.report.version.because
        return [self.pairs([*rows, *([(mark("重述原因"), because)] if because else [])], "facts")]

    def measures(self) -> list[Table | Text | Picture]:
        """二、减排情况. What was avoided stands beside the emissions and is never taken off."""
        blocks: list[Table | Text | Picture] = []
        told = self.report.measures
        if told:
            columns: list[tuple[str, int, Align]] = [
                (mark("减排措施"), 30, "left"),
                (mark("说明"), 50, "left"),
                (mark("减排量（克）"), 20, "right"),
            ]
            blocks.append(self.table(columns, [[m.name, m.said, count_or_dash(m.reduction_g)] for m in told]))
        else:
            blocks.append(Text(self.say(mark("没有填写减排措施。"))))
        avoided = self.report.result.avoided
        if avoided is not None:
            said = mark("计划的基准线排放量为 {baseline} 克，实际比基准线少 {avoided} 克。此数单列，不从排放量中扣除。")
            blocks.append(Text(self.say(said, baseline=f"{avoided.baseline_g:,}", avoided=f"{avoided.avoided_g:,}")))
            if avoided.because:
                blocks.append(Text(self.say(mark("基准线的依据：{because}"), because=avoided.because)))
        return blocks

    def boundary(self) -> list[Table | Text | Picture]:
        """三、核算过程: the boundary, the gases and what was absent."""
        boundary, result = self.report.boundary, self.report.result
        title = boundary.title_zh if self.language == "zh" else boundary.title_en
        placeholder = self.say(mark("（暂代：未取得规定范围的原文）")) if boundary.placeholder else ""
        rows: list[list[str | int]] = [
            [self.source(key), self.word(scope), result.absent.get(key, "")] for key, scope in boundary.scopes.items()
        ]
        stages = ", ".join(self.word(each) for each in boundary.required)
        gwp = mark("全球增温潜势采用 {gwp}。只含二氧化碳的排放因子按增温潜势 1 计入，占排放总量的 {share}。")
        return [
            Text(f"{title}{placeholder} · {boundary.citation.text}"),
            Text(self.say(mark("须核算的阶段：{stages}。"), stages=stages)),
            self.table(
                [
                    (mark("排放源"), 45, "left"),
                    (mark("范围"), 20, "left"),
                    (mark("没有此项排放的理由"), 35, "left"),
                ],
                rows,
            ),
            Text(self.say(gwp, gwp=self.report.facts.gwp_set, share=percent(result.co2_only_permille))),
            *([Text(self.say(result.uncertainty.rule))] if result.uncertainty else []),
            Text(self.say(mark("每次报到和每行活动数据的排放量都向上取整到克，再相加。"))),
        ]

    def packs(self) -> list[Table | Text | Picture]:
        """What was pinned when the accounting opened."""
        columns: list[tuple[str, int, Align]] = [
            (mark("数据包"), 26, "left"),
            (mark("版本"), 14, "left"),
            ("SHA-256", 60, "left"),
        ]
        return [self.table(columns, [[p.id, p.version, p.sha256] for p in self.report.packs], "versions")]

    def extrapolated(self) -> list[Table | Text | Picture]:
        """Those who did not answer, apart."""
        told = self.report.result.extrapolated
        if not told:
            return [Text(self.say(mark("没有推算。")))]
        columns: list[tuple[str, int, Align]] = [
            (mark("人群"), 20, "left"),
            (mark("人数"), 10, "right"),
            (mark("作答"), 10, "right"),
            (mark("作答率"), 11, "right"),
            (mark("推算排放量（克）"), 19, "right"),
            (mark("95 % 区间（克）"), 30, "right"),
        ]
        rows: list[list[Any]] = [
            [
                each.name or self.word("other"),
                count_or_dash(each.head_count),
                each.respondents,
                rate_text(each.response_rate),
                each.emissions_g if each.state == "estimated" else self.word(each.state),
                f"{each.low_g:,} – {each.high_g:,}" if each.state == "estimated" else "–",
            ]
            for each in told
        ]
        said = mark("未作答的人按同一人群中作答的人的人均排放量推算，已计入总量，单独列出。")
        return [self.table(columns, rows), Text(self.say(said))]

    def totals(self) -> list[Table | Text | Picture]:
        """四、排放量: the whole, per head, and how sure."""
        result = self.report.result
        own = result.uncertainty
        dash = "–"
        rows: list[tuple[str, object]] = [
            (mark("排放总量"), grams(result.full_g)),
            (mark("其中基本范围"), grams(result.basic_g)),
            (mark("其中拓展范围"), grams(result.extended_g)),
            (mark("来自活动数据"), grams(result.lines_g)),
            (mark("来自报到"), grams(result.checked_in_g)),
            (mark("来自推算"), grams(result.extrapolated_g)),
            (mark("报告的范围"), self.word(result.ambition)),
            (mark("人均"), dash if result.per.head_g is None else grams(result.per.head_g)),
            (mark("人均每日"), dash if result.per.head_day_g is None else grams(result.per.head_day_g)),
            (mark("每平方米"), dash if result.per.m2_g is None else grams(result.per.m2_g)),
        ]
        if own:
            rows.append((mark("95 % 区间"), f"{grams(own.low_g)} – {grams(own.high_g)}, ±{own.percent} %"))
        return [self.pairs(rows, "facts")]

    def by_source(self) -> list[Table | Text | Picture]:
        """The sources as the chart that the pages show and as a table, the largest first."""
        told = self.report.result.by_source
        columns: list[tuple[str, int, Align]] = [
            (mark("排放源"), 40, "left"),
            (mark("范围"), 20, "left"),
            (mark("排放量（克）"), 25, "right"),
            (mark("占比"), 15, "right"),
        ]
        rows: list[list[Any]] = [
            [self.source(s.source), self.word(s.scope), s.emissions_g, percent(s.share_permille)] for s in told
        ]
        return [Picture(str(by_source(told, self.language))), self.table(columns, rows, "facts")]

    def divisions(self) -> list[Table | Text | Picture]:
        """The same grams divided otherwise."""
        result = self.report.result
        named = (
            (mark("范围"), result.by_scope),
            (mark("阶段"), result.by_stage),
            (mark("数据质量"), result.by_rank),
            (mark("气体"), result.by_gas),
        )
        columns: list[tuple[str, int, Align]] = [
            (mark("划分"), 20, "left"),
            (mark("类别"), 40, "left"),
            (mark("排放量（克）"), 25, "right"),
            (mark("占比"), 15, "right"),
        ]
        rows: list[list[Any]] = [
            [self.say(label), self.word(each.key), each.emissions_g, percent(each.share_permille)]
            for label, shares in named
            for each in shares
        ]
        return [self.table(columns, rows, "facts")]

    def weak(self) -> list[Table | Text | Picture]:
        """Where the result rests on little, and what is missing."""
        lines = {each.id: each for each in self.report.lines}
        columns: list[tuple[str, int, Align]] = [
            (mark("薄弱之处"), 30, "left"),
            (mark("项目"), 45, "left"),
            (mark("相关排放量（克）"), 25, "right"),
        ]
        rows: list[list[Any]] = []
        for spot in self.report.result.weak_spots:
            label = lines[spot.line_id].label if spot.line_id in lines else ""
            rows.append([self.word(spot.kind), f"{self.item(spot.item)} {label}".strip(), spot.emissions_g])
        blocks: list[Table | Text | Picture] = [self.table(columns, rows)] if rows else []
        for each in self.report.result.missing:
            key = self.source(each.key) if each.what == "source" else self.word(each.key)
            blocks.append(Text(self.say(MISSING[each.what], key=key)))
        return blocks or [Text(self.say(mark("没有发现。")))]

    def offset(self) -> list[Table | Text | Picture]:
        """五、所需抵销量."""
        needed = self.report.offset_needed
        rows: list[tuple[str, object]] = [
            (mark("基本范围碳中和"), grams(needed.basic_g)),
            (mark("基本范围和拓展范围碳中和"), grams(needed.full_g)),
        ]
        return [self.pairs(rows, "facts")]

    def lines(self) -> list[Table | Text | Picture]:
        """Every line of activity data."""
        columns: list[tuple[str, int, Align]] = [
            (mark("项目"), 23, "left"),
            (mark("说明"), 17, "left"),
            (mark("期间"), 14, "left"),
            (mark("数量"), 16, "right"),
            (mark("质量"), 9, "left"),
            (mark("因子"), 7, "right"),
            (mark("排放量（克）"), 14, "right"),
        ]
        return [self.table(columns, [self.line(each) for each in self.report.lines], "lines")]

    def line(self, line: LineSaid) -> list[Any]:
        """One line."""
        period = line.starts_on.isoformat()
        if line.ends_on != line.starts_on:
            period += f" – {line.ends_on.isoformat()}"
        item = self.item(line.item) + (f" ({self.word(line.cabin)})" if line.cabin else "")
        quantity = f"{line.quantity:,f} {line.unit}"
        return [item, line.label, period, quantity, self.word(line.rank), line.factor + 1, line.emissions_g]

    def check_ins(self) -> list[Table | Text | Picture]:
        """Check-ins by mode, cabin and factor; the JSON has every cell."""
        columns: list[tuple[str, int, Align]] = [
            (mark("方式"), 36, "left"),
            (mark("人次公里"), 22, "right"),
            (mark("因子"), 14, "right"),
            (mark("排放量（克）"), 28, "right"),
        ]
        rows: list[list[Any]] = [
            [
                self.item(mode) + (f" ({self.word(cabin)})" if cabin else ""),
                f"{Decimal(metres) / 1000:,.1f}" if metres else "–",
                "–" if place < 0 else place + 1,
                emitted,
            ]
            for (mode, cabin, place), (metres, emitted) in ways_of(self.report)
        ]
        return [*self.merged_said(), self.table(columns, rows, "check_ins")]

    def merged_said(self) -> list[Text]:
        """How check-ins were grouped, and which were merged."""
        cells, merged = len(self.report.cells), self.report.merged
        said = [
            Text(
                self.say(
                    mark("共 {count} 次报到，归为 {cells} 组；各组见 JSON。"),
                    count=f"{self.report.result.check_ins:,}",
                    cells=f"{cells + len(merged):,}",
                )
            )
        ]
        if self.report.form == "public":
            text = mark("公开本把不足五人的组合并为 {merged} 组（{count} 次报到），不列姓名和填写的文字；总量不变。")
            count = sum(each.check_ins for each in merged)
            said.append(Text(self.say(text, merged=len(merged), count=f"{count:,}")))
        return said

    def factors(self) -> list[Table | Text | Picture]:
        """Every factor with its citation; numbers are those in the tables before."""
        columns: list[tuple[str, int, Align]] = [
            (mark("序号"), 6, "right"),
            (mark("排放因子"), 16, "left"),
            (mark("数值和单位"), 19, "left"),
            (mark("气体"), 11, "left"),
            (mark("确定程度"), 12, "left"),
            (mark("出处"), 36, "left"),
        ]
        rows: list[list[Any]] = []
        for index, each in enumerate(self.report.factors, 1):
            sure = self.word(each.certainty) + (self.say(mark("，暂代值")) if each.placeholder else "")
            value = f"{each.value.normalize():f} {each.unit}"
            rows.append([index, self.item(each.key), value, " ".join(each.gases), sure, each.citation])
        return [self.table(columns, rows, "factors")]

    def annexes(self) -> list[Table | Text | Picture]:
        """Files that prove, by digest."""
        if not self.report.annexes:
            return [Text(self.say(mark("没有附件。")))]
        columns: list[tuple[str, int, Align]] = [
            (mark("用途"), 16, "left"),
            (mark("文件名"), 28, "left"),
            ("SHA-256", 56, "left"),
        ]
        return [
            self.table(columns, [[self.word(a.purpose), a.name, a.sha256] for a in self.report.annexes], "versions")
        ]

    def proof(self) -> list[Table | Text | Picture]:
        """How anyone computes it again."""
        said = mark(
            "任何人都可以离线复核：下载同一版本的 report.json，运行 python -m service.cli recompute report.json。"
        )
        return [Text(self.say(said)), self.pairs([(mark("报告的 SHA-256"), self.report.sha256)], "versions")]


def document(report: Report, language: Language) -> Document:
    """The report in that language."""
    return Writer(report, language).document()
