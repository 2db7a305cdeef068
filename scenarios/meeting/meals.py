"""Meals told at the door: counted there as the nights are, and accounted as the one kind that the organizer names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple

from msgspec.structs import replace

from scenarios.factors import FactorBook
from scenarios.meeting.cells import Cell
from scenarios.meeting.extrapolation import Group
from scenarios.meeting.travel import Applied, applied
from scenarios.quantities import round_up

Meal = Literal["meal_beef", "meal_pork", "meal_chicken", "meal_fish", "meal_vegetarian", "meal_vegan"]
"""The kinds: items of the source `catering`, each with its own factor."""


def with_meals(cells: Sequence[Cell], meal: str | None, factors: FactorBook, place: str, on: date) -> list[Cell]:
    """The cells with what their meals emit; as they are where none is asked for. Raises FactorNotInForce."""
    if meal is None or not any(cell.meals for cell in cells):
        return list(cells)
    ready = applied(factors, meal, place, on)
    return [
        replace(cell, meal_factor=ready.shown[0], meals_each_g=ready.rates[0].emissions_g(cell.meals * cell.people))
        if cell.meals
        else cell
        for cell in cells
    ]


class MealSums(NamedTuple):
    """Sums over a group's answers: of their meals m, and of m times their people, their other grams, and m itself."""

    meals: int
    people_meals: int
    meals_g: int
    meals_squared: int


def group_with_meals(group: Group, sums: MealSums, ready: Applied) -> Group:
    """A group's sums of travel and lodging, and what each answer's meals emit besides."""
    rate = ready.rates[0]
    meal_g = Fraction(rate.grams, rate.per)
    eaten_g = round_up(meal_g * sums.meals)
    return replace(
        group,
        sum_g=group.sum_g + eaten_g,
        sum_people_g=group.sum_people_g + round_up(meal_g * sums.people_meals),
        sum_g_squared=group.sum_g_squared + round_up(2 * meal_g * sums.meals_g + meal_g**2 * sums.meals_squared),
        by_source_g={**group.by_source_g, **({"catering": eaten_g} if eaten_g else {})},
        co2_only_g=group.co2_only_g + (eaten_g if ready.factor.co2_only else 0),
    )
