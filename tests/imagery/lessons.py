"""Samples of every world, kind and difficulty, made once for all tests, and how to take them apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from idf.data import Draft, Row, Sample, Slot, text_of
from idf.imagery import BASIC_PHRASINGS, BASICS, LESSONS, PHRASINGS, ImageryMaker, ImageryRecipe, kinds_of
from idf.suites import published
from idf.worlds import DIFFICULTIES, WORLDS, World

EACH = 24
SEED = 5
MODES = ("vqa", "tqa", "vtqa")
PAIRS = [(world, kind) for world in WORLDS for kind in kinds_of(WORLDS[world]) if kind in LESSONS and kind != "partial"]
"""All simulations; the kind whose scenes are of other worlds, and basic skills, have tests of their own."""
BASIC_PAIRS = [(world, kind) for kind, worlds in BASICS.items() for world in worlds]


@dataclass(frozen=True)
class Lesson:
    """A sample and what it was made from."""

    sample: Sample
    slot: Slot
    draft: Draft
    mode: str

    @property
    def world(self) -> World[Any, Any]:
        return WORLDS[self.slot.world]

    @property
    def meta(self) -> dict[str, Any]:
        return self.sample.meta

    @property
    def start(self) -> Any:
        return self.world.read(self.meta["start"])

    @property
    def prompt(self) -> str:
        return text_of(self.sample.messages[0])

    @property
    def response(self) -> str:
        return text_of(self.sample.messages[1])

    @property
    def fields(self) -> dict[str, str]:
        """What the template of the prompt was filled with; "rule" is what stands before it."""
        template = re.escape((PHRASINGS | BASIC_PHRASINGS)[self.slot.kind][self.meta["phrasing"]])
        pattern = re.sub(r"(\\ )?\\\{(\w+)\\\}", r"\\s?(?P<\2>.*?)", template)
        pattern = pattern.replace("(?P<gapped>", r"(?P<gapped>1\. ")
        found = re.fullmatch(f"(?P<rule>.*?){pattern}", self.prompt, re.DOTALL)
        assert found, f"the prompt is not of its phrasing: {self.prompt!r}"
        return found.groupdict()


def maker(mode: str | None = None, **changes: Any) -> ImageryMaker:
    modes = {mode: 1.0} if mode else {"vqa": 1.0, "tqa": 1.0, "vtqa": 1.0}
    return ImageryMaker(ImageryRecipe(seed=SEED, modes=modes, max_pixels=3136, **changes), published())


@cache
def lessons(world: str, kind: str, difficulty: str, mode: str = "tqa", number: int = EACH) -> list[Lesson]:
    """The first samples of a slot of which something can be made."""
    made: list[Lesson] = []
    make, slot, index = maker(mode), Slot(world, difficulty, kind), 0
    while len(made) < number:
        draft = make.draft(slot, index)
        if draft.key is not None:
            made.append(Lesson(make.make(Row(slot, index, draft)), slot, draft, mode))
        index += 1
        assert index < 20 * number, f"of {slot} hardly anything can be made"
    return made


def all_of(world: str, kind: str, mode: str = "tqa", number: int = EACH) -> list[Lesson]:
    return [lesson for difficulty in DIFFICULTIES for lesson in lessons(world, kind, difficulty, mode, number)]
