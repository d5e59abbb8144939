"""The five simulated worlds.

Each public module of this package is one world, whole: rules, text form, questions, goal test, solver.
A sixth world is one more file here that defines `WORLD`, and one drawing of the same name in `idf.drawing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ._facts import ALL, Conventions, Fact, legend_of, read_conventions
from ._lengths import TELLINGS, telling_of
from ._part import PartWorld
from ._planning import PlanningWorld
from ._reading import plain, read_words
from ._remarks import Remark
from ._rng import Rng
from ._sampling import SPLITS, Avoid, Draw, Drawn, sample_problem, sample_walk, split_of
from ._search import SEARCHES
from ._searching import AnySearch
from ._telling import LENGTHS, Telling, Told, tell
from ._world import DIFFICULTIES, WORDINGS, Answer, IllegalAction, Keys, Outcome, Problem, Scene, Walk, World

__all__ = [
    "ALL",
    "DIFFICULTIES",
    "LENGTHS",
    "PARTS",
    "SEARCHES",
    "SPLITS",
    "TELLINGS",
    "WORDINGS",
    "WORLDS",
    "Answer",
    "AnySearch",
    "Avoid",
    "Conventions",
    "Draw",
    "Drawn",
    "Fact",
    "IllegalAction",
    "Keys",
    "Outcome",
    "PartWorld",
    "PlanningWorld",
    "Problem",
    "Remark",
    "Rng",
    "Scene",
    "Telling",
    "Told",
    "Walk",
    "World",
    "legend_of",
    "plain",
    "problem_from_json",
    "problem_to_json",
    "read_conventions",
    "read_words",
    "sample_problem",
    "sample_walk",
    "split_of",
    "tell",
    "telling_of",
]


class Worlds(dict[str, World[Any, Any]]):
    """Worlds by name. A world that shows its scenes in part is found by its name, but is not one of those listed."""

    def __missing__(self, name: str) -> World[Any, Any]:
        return PARTS[name]


PARTS: Mapping[str, PartWorld[Any, Any]] = {
    f"{name}_part": import_module(f"{__name__}._{name}_part").WORLD
    for name in ("cube_rolling", "mental_rotation", "moving_box")
}
"""The worlds that show a scene in part, by name; only who names them gets them."""

WORLDS: Mapping[str, World[Any, Any]] = Worlds(
    (module.name, import_module(f"{__name__}.{module.name}").WORLD)
    for module in sorted(iter_modules(__path__), key=lambda module: module.name)
    if not module.name.startswith("_")
)
"""World by name, in alphabetical order; `PARTS` are found as well, though they are not listed."""


def problem_to_json(problem: Problem[Any, Any]) -> dict[str, Any]:
    """A problem as plain JSON values; `problem_from_json` reads it back."""
    return {
        "world": problem.world,
        "difficulty": problem.difficulty,
        "start": WORLDS[problem.world].write(problem.start),
        "query": problem.query._asdict(),
    }


def problem_from_json(data: dict[str, Any]) -> Problem[Any, Any]:
    """The problem that `problem_to_json` wrote.

    Raises:
        ValueError: A field is missing or does not describe a state or query of its world.
    """
    try:
        if data["world"] not in WORLDS and data["world"] not in PARTS:
            raise ValueError(f"unknown world {data['world']!r}, use one of {', '.join((*WORLDS, *PARTS))}")
        if data["difficulty"] not in DIFFICULTIES:
            raise ValueError(f"unknown difficulty {data['difficulty']!r}, use one of {', '.join(DIFFICULTIES)}")
        world = WORLDS[data["world"]]
        problem = Problem(
            data["world"], data["difficulty"], world.read(data["start"]), world.query_type(**data["query"])
        )
        world.truth(problem)  # fails for a query that means nothing
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not a problem: {data!r}: {type(error).__name__} {error}") from error
    return problem
