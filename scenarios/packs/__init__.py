"""Data packs: every number with its unit, place, dates in force, citation, and the day it was last checked."""
