"""Where episodes come from: problems by number, of one split, none of them published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from idf.errors import UserError
from idf.suites import published
from idf.worlds import DIFFICULTIES, SPLITS, WORLDS, Draw, Problem


@dataclass(frozen=True)
class Source:
    """Problems of a world, by number. The same fields and number give the same problem in every process.

    A scene belongs to one split by its content, whatever the seed: nothing that is met in "train" comes up in "eval". In
    "eval", problem i is the one that `idf.problem(world, seed=seed, difficulty=difficulty, index=i)` gives.

    Attributes:
        world: Name of the world.
        difficulty: "easy", "medium" or "hard".
        split: "train" or "eval".
        seed: Another seed gives other problems.
    """

    world: str
    difficulty: str = "easy"
    split: str = "train"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a name that is unknown, with a sentence."""
        for name, known in (("world", WORLDS), ("difficulty", DIFFICULTIES), ("split", SPLITS)):
            if getattr(self, name) not in known:
                raise UserError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}")

    def problem(self, index: int) -> Problem[Any, Any]:
        """Problem number `index`, from 0."""
        if index < 0:
            raise UserError(f"the number of a problem must not be negative, but is {index}")
        draw = Draw(self.seed, self.split, index, self.difficulty, published().avoid)
        return draw.problem(WORLDS[self.world]).scene

    def __iter__(self) -> Iterator[Problem[Any, Any]]:
        """All its problems; they have no end."""
        index = 0
        while True:
            yield self.problem(index)
            index += 1
