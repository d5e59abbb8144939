"""What candidate traces consist of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from idf.data import Slot, allot_slots, check_mix, share_out
from idf.errors import UserError
from idf.recipe import check_pixels, check_ranges, key
from idf.suites import HELD_OUT_PROMPTS, MODES, PROMPTS
from idf.worlds import DIFFICULTIES, PARTS, SEARCHES, WORLDS

from ._cells import Cell, check_cells, slots_of_cells
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
        cells: Weight of each world and exact size (`World.size`), such as "cube_rolling:3", in the place of `worlds` and
            `difficulties`; None for all sizes as they come.
        hold_back: Share of the scenes that are left out, by a hash of the scene: what `idf loop` measures on.
        tell_form: Whether a teacher is told, below the prompt, in which form the states are to be written.
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
    cells: dict[str, float] | None = None
    hold_back: float = key(0.0, least=0, below=1)
    tell_form: bool = True

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
        check_ranges(self)
        if self.cells is not None:
            check_cells(self.cells)
        self.teacher.check()
        if self.teacher.styles.get("search") and not SEARCHES.keys() & set(self.asked_worlds):
            raise UserError(
                f"teacher.styles.search: none of the worlds {', '.join(self.asked_worlds)} can search, only {', '.join(SEARCHES)}"
            )
        if self.teacher.tells_shorter and not self.worlds.keys() - PARTS.keys():
            raise UserError(
                f"teacher.lengths: none of the worlds {', '.join(self.worlds)} is told shorter than in full: leave it out"
            )

    @property
    def asked_worlds(self) -> list[str]:
        """The worlds of its problems."""
        return list(dict.fromkeys(Cell.read(name).world for name in self.cells)) if self.cells else list(self.worlds)

    def slots(self, kind: str) -> list[Slot]:
        """What stands where, in exact shares.

        Args:
            kind: What all of it is.
        """
        if self.cells is not None:
            return share_out(self.problems, slots_of_cells(self.cells), self.seed)
        kinds = {world: {kind: 1.0} for world in self.worlds}
        return allot_slots(self.problems, self.worlds, self.difficulties, kinds, self.seed)

    def clone(self) -> Path | None:
        """The clone of SpatiaLite as a path."""
        return None if self.spatialite is None else Path(self.spatialite)
