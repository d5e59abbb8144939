"""What candidate traces consist of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from idf.data import check_mix
from idf.errors import UserError
from idf.recipe import check_pixels
from idf.suites import HELD_OUT_PROMPTS, MODES, PROMPTS
from idf.worlds import DIFFICULTIES, PARTS, SEARCHES, WORLDS

from ._teachers import TeacherRecipe


@dataclass(frozen=True)
class TracesRecipe:
    """What candidate traces consist of.

    Attributes:
        problems: How many problems to work out.
        teacher: Who works them out, and how often.
        seed: Another seed gives other problems of the same kind.
        worlds: Weight of each world; those that show a scene in part (`idf.worlds.PARTS`) have none unless they are named.
        difficulties: Weight of each difficulty.
        modes: Weight of what is shown: "vqa" the picture, "tqa" the text, "vtqa" both.
        prompts: Weight of each prompt set.
        noise: Share of the pictures that carry the benchmark's noise, in worlds that have any, from 0 to 1.
        max_pixels: Largest picture; None for the default size of each world.
        spatialite: A clone of SpatiaLite whose items are avoided beside those whose hashes come with idf.
    """

    problems: int = 6000
    teacher: TeacherRecipe = field(default_factory=TeacherRecipe)
    seed: int = 0
    worlds: dict[str, float] = field(default_factory=lambda: {world: 1.0 for world in WORLDS})
    difficulties: dict[str, float] = field(default_factory=lambda: {difficulty: 1.0 for difficulty in DIFFICULTIES})
    modes: dict[str, float] = field(default_factory=lambda: {"vtqa": 2.0, "vqa": 1.0, "tqa": 1.0})
    prompts: dict[str, float] = field(default_factory=lambda: {"idf-long-1": 1.0, "idf-short-1": 1.0})
    noise: float = 0.25
    max_pixels: int | None = None
    spatialite: str | None = None

    def check(self) -> None:
        """Refuse what cannot be made, with a sentence."""
        check_mix("worlds", self.worlds, (*WORLDS, *PARTS))
        check_mix("difficulties", self.difficulties, DIFFICULTIES)
        check_mix("modes", self.modes, MODES)
        if held_out := [name for name in self.prompts if name in HELD_OUT_PROMPTS]:
            raise UserError(
                f"prompts: {held_out[0]} is held out of training for good, so that suites can ask in words that no model was "
                f"trained on: use {', '.join(PROMPTS)}"
            )
        check_mix("prompts", self.prompts, tuple(PROMPTS))
        check_pixels(self.max_pixels)
        if not 0 <= self.noise <= 1:
            raise UserError(f"noise must be from 0 to 1, not {self.noise}")
        if self.problems < 1:
            raise UserError(f"problems must be at least 1, not {self.problems}")
        self.teacher.check()
        if self.teacher.styles.get("search") and not SEARCHES.keys() & self.worlds.keys():
            raise UserError(
                f"teacher.styles.search: none of the worlds {', '.join(self.worlds)} can search, only {', '.join(SEARCHES)}"
            )
        if self.teacher.tells_shorter and not self.worlds.keys() - PARTS.keys():
            raise UserError(
                f"teacher.lengths: none of the worlds {', '.join(self.worlds)} is told shorter than in full: leave it out"
            )

    def clone(self) -> Path | None:
        """The clone of SpatiaLite as a path."""
        return None if self.spatialite is None else Path(self.spatialite)
