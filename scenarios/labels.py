"""What people call the modes of travel, the factors and the units. Each text is a msgid."""

from __future__ import annotations

MODE_LABELS = {
    "walk": "步行",
    "bicycle": "自行车",
    "shared_bike": "共享单车",
    "e_bike": "电动自行车",
    "metro": "地铁",
    "bus": "公交车",
    "coach": "长途大巴",
    "taxi": "出租车或网约车",
    "car": "燃油小汽车",
    "motorcycle": "摩托车",
    "train": "普通火车",
    "high_speed_rail": "高铁或动车",
    "plane": "飞机",
    "ferry": "轮船",
    "any": "任何方式",
}
"""By the mode's key, in the order in which a page offers them."""

FACTOR_LABELS = {**MODE_LABELS, "hotel_night": "酒店住宿"}
"""By the factor's key."""

UNIT_LABELS = {"pkm": "公里", "km": "公里", "kWh": "千瓦时", "order": "单", "time": "次", "step": "步"}
"""By what a methodology's unit is per."""

THIS_LEG = "这一段"
"""A leg whose mode is not known."""
