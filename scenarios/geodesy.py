"""Distances on the Earth (WGS 84), by geographiclib."""

from __future__ import annotations

import math
from functools import lru_cache

from geographiclib.geodesic import Geodesic


@lru_cache(maxsize=65536)
def distance_m(a_latitude: float, a_longitude: float, b_latitude: float, b_longitude: float) -> int:
    """The shortest way between two points in degrees, in metres, rounded up."""
    line: dict[str, float] = Geodesic.WGS84.Inverse(a_latitude, a_longitude, b_latitude, b_longitude, Geodesic.DISTANCE)
    return math.ceil(line["s12"])
