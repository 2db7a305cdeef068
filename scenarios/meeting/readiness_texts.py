"""What readiness says to an organizer, in both languages. `{word}` is the place's 抵销 or 抵消."""

from __future__ import annotations

from typing import Any

from scenarios.meeting.rule_terms import Text


def filled(text: Text, **values: Any) -> Text:
    """The text with its values put in; a value that is a Text is said in each language."""
    zh = {key: value.zh if isinstance(value, Text) else value for key, value in values.items()}
    en = {key: value.en if isinstance(value, Text) else value for key, value in values.items()}
    return Text(text.zh.format(**zh), text.en.format(**en))


def listed(texts: list[Text] | tuple[Text, ...]) -> Text:
    """Several texts as one, in their order."""
    return Text("、".join(each.zh for each in texts), ", ".join(each.en for each in texts))


def tonnes(grams: int) -> str:
    """Grams as tonnes to the gram, without trailing zeros."""
    whole, rest = divmod(grams, 1_000_000)
    return f"{whole:,}.{rest:06d}".rstrip("0").rstrip(".")


NOTHING = Text("不用再做什么。", "Nothing more to do.")

SIZE = Text("看清规则怎样看待这场活动", "See how the rule takes this event")
SIZE_TODO = Text("这场活动是：{label}。规则的要求：{duty}。", "This event is: {label}. What the rule says: {duty}.")
VOLUNTARY_TODO = Text(
    "这场活动是：{label}。规则没有要求，自愿开展；对外说明时须注明“自愿”。",
    "This event is: {label}. The rule does not call for it; say that it is voluntary wherever you mention it.",
)
UNKNOWN_TODO = Text("规则没有写明：{unknown}", "The rule leaves open: {unknown}")

CHANGED = Text("规则有了新版本", "The rule has a new version")
CHANGED_TODO = Text("新版本与计划时不同的要求：{changes}。", "What the new version asks differently: {changes}.")

PLAN = Text("写好碳中和实施计划", "Write the neutrality plan")
PLAN_TODO = Text("计划里还缺：{missing}。", "The plan still lacks: {missing}.")
PUBLISH_PLAN = Text("公布实施计划的主要内容", "Publish the main contents of the plan")
PUBLISH_PLAN_TODO = Text("计划写好后，在活动开始前公布。", "Publish the plan before the event begins.")
PLAN_STAYS = Text("本地规则没有要求公布。", "The place's rule does not ask for it.")

MEASURES = Text("做减排措施，并记下做了什么", "Take reduction measures, and note what was done")
MEASURES_TODO = Text(
    "从减排措施目录里选出要做的，做了之后记下并附上证明。",
    "Choose measures from the catalogue; once done, note them with proof.",
)

ACCOUNT = Text("核算活动的排放量，提交清单", "Account for the event's emissions and submit the inventory")
ACCOUNT_TODO = Text(
    "活动结束后，按实际情况核算并提交。依据：{standard}。",
    "After the event, account for what really happened and submit it. By: {standard}.",
)

OFFSET_TODO = Text(
    "还差 {missing} 吨 CO2e，请{word}并注销。{what}。", "{missing} t CO2e are still to be offset and retired. {what}."
)
OFFSET_FIRST = Text("先核算排放量，才知道要{word}多少。{what}。", "Account first, to know how much to offset. {what}.")
OFFSET_DONE = Text("注销的数量已达到“{label}”所需。", "What was retired reaches what “{label}” asks.")
SINK_TODO = Text("办理后在这里登记办成的日期。{what}。", "Once done, enter the day here. {what}.")
ASK = Text("{what}。{ask}", "{what}. {ask}")

ORDER = Text("按推荐的顺序{word}", "Offset in the recommended order")
ORDER_TODO = Text(
    "选择偏离了推荐的顺序：可以，但请写明理由。", "The choice leaves the recommended order: allowed, but say why."
)

PROOF = Text("附上注销证明", "Attach the proofs of retirement")
PROOF_TODO = Text("还没有证明的：{missing}。", "Still without proof: {missing}.")
REPORT = Text("把注销情况报主管部门", "Report the retirements to the authority")
REPORT_TODO = Text(
    "{missing}注销后，报{whom}，再在这里登记。", "After retiring {missing}, report to {whom}, then note it here."
)
PUBLISH_RETIRED = Text("公开注销信息", "Publish what was retired")
PUBLISH_RETIRED_TODO = Text("注销之后，及时向社会公开注销信息。", "Once units are retired, publish it without delay.")

CONFIRM = Text("确认实现碳中和", "Have the neutrality confirmed")
CONFIRM_CHOOSE = Text("可以选的确认方式：{ways}。", "Open ways of confirmation: {ways}.")
CONFIRM_CLOSED = Text(
    "“{way}”不适用于这种规模；可以选：{ways}。", "“{way}” is not open to this size. Open are: {ways}."
)
DECLARE_TODO = Text("{way}里还缺：{missing}。", "The {way} still lacks: {missing}.")
DECLARE_NOW = Text("内容齐了：请发布{way}。", "It is complete: publish the {way}.")
CERTIFY_TODO = Text("请向{issuer}申请“{way}”。", "Apply to {issuer} for the {way}.")
CERTIFY_WAIT = Text("已申请，等待{issuer}颁发“{way}”。", "Applied for: {issuer} is to grant the {way}.")
MEASURES_FIRST = Text(
    "先记下做过的减排措施，才能确认。", "Note the reduction measures taken first; then it can be confirmed."
)
NEUTRAL_FIRST = Text("先完成注销，才能确认。", "Finish retiring first; then it can be confirmed.")
WITHDRAWN = Text(
    "确认已被撤销，标识不再有效；已注销的数量不退回。",
    "The confirmation was withdrawn; the label is gone, what was retired stays so.",
)

DISCLOSE = Text("向社会公开", "Disclose to the public")
DISCLOSE_TODO = Text("公开的内容还缺：{missing}。", "What is disclosed still lacks: {missing}.")
DUTY_TODO = Text("做到后在这里登记。", "Once done, note it here.")
