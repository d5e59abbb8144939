"""Held-out problems for the players, and what chance earns on them."""

from __future__ import annotations

from functools import cache
from math import sqrt
from random import Random

from idf.scoring import Reward, RewardRule, reward, start_answers
from idf.suites import SuiteRecipe, draw_items
from idf.worlds import DIFFICULTIES, PARTS, WORLDS

from .players import Seat, values_of

PLAIN = RewardRule(step_credit=0.2, price=0.0, max_tokens=2048)
SLACK = 1e-9
PLANNING = tuple(name for name in WORLDS if WORLDS[name].plans)
DESCRIBED = tuple(name for name in WORLDS if not WORLDS[name].plans)
ALL = (*WORLDS, *PARTS)
# Of each difficulty: drawn, and kept. Drawing parts of structures and rooms takes 0.1 s a problem.
NUMBERS = {name: (45, 20) for name in WORLDS} | {name: (12, 12) for name in PARTS} | {"cube_rolling_part": (24, 15)}
NUMBERS["rubiks_cube"] = (70, 20)


@cache
def seats(world: str) -> tuple[Seat, ...]:
    """Held-out problems over all difficulties whose start does not answer them, each with a chance of its own."""
    drawn, kept = NUMBERS[world]
    found: list[Seat] = []
    for difficulty in DIFFICULTIES:
        items, _ = draw_items(SuiteRecipe(items=drawn, seed=97, worlds=[world], difficulties=[difficulty]))
        problems = [item.problem for item in items if not start_answers(item.problem)]
        found += [Seat(one, Random(f"{world} {difficulty} {i}"), i) for i, one in enumerate(problems[:kept])]
    return tuple(Seat(one.problem, one.rng, i) for i, one in enumerate(found))


def fresh(seat: Seat, player: str) -> Seat:
    """The same problem with a chance that depends on nobody who played before."""
    return Seat(seat.problem, Random(f"{seat.problem} {player}"), seat.index)


def earned(seat: Seat, text: str, finish: str | None = None, rule: RewardRule = PLAIN) -> Reward:
    return reward(seat.problem, text, tokens=min(2048, len(text) // 3 + 1), finish_reason=finish, rule=rule)


@cache
def chance(world: str) -> tuple[float, float]:
    """The mean reward of somebody who guesses, each possible answer as likely, and its margin over these problems.

    A colour is one of six (or it cannot be determined, where a scene is shown in part), a count one of 0 to 9, colour
    counts any that the structure's cubes allow, a plan as many random legal moves as a shortest one has (30 plays). A right
    answer earns 1 and a false one 0 where tokens are free, and a guess states no steps. The margin is three standard
    deviations of the mean over the problems, at least three in their number (what zero successes leave possible at 95 %).
    """
    odds = [_odds(seat) for seat in seats(world)]
    margin = 3 * sqrt(sum(p * (1 - p) for p in odds)) / len(odds)
    return sum(odds) / len(odds), max(margin, 3 / len(odds))


def _odds(seat: Seat) -> float:
    values, truth = values_of(seat.problem), seat.world.truth(seat.problem)
    if values is not None:
        return (truth in values) / len(values)
    length, guesser = len(truth), fresh(seat, "chance")
    return sum(seat.world.judge(seat.problem, tuple(guesser.walk(length))).correct for _ in range(30)) / 30
