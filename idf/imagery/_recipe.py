"""What stage-1 data consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from idf.data import check_mix
from idf.errors import UserError
from idf.recipe import check_pixels
from idf.suites import MODES
from idf.worlds import DIFFICULTIES, WORDINGS, WORLDS

from ._kinds import KINDS, LESSONS, PARTIAL, kinds_of
from ._phrasings import BASIC_PHRASINGS, PHRASINGS


@dataclass(frozen=True)
class ImageryRecipe:
    """What stage-1 data consists of.

    Attributes:
        samples: How many, in all.
        seed: Another seed gives other samples of the same kind.
        worlds: Weight of each world.
        difficulties: Weight of each difficulty.
        kinds: Weight of each kind of sample; a world that lacks a kind gets more of its others. By default all kinds but
            "partial" and those of basic skills.
        modes: Weight of what is shown: "vqa" the picture, "tqa" the text, "vtqa" both. Kind "reading" is always "vqa",
            kind "relations" always "tqa".
        wordings: Weight of each wording: "long" states the rule, "short" only what is asked.
        phrasings: How many of the phrasings of each kind are used, from the plainest on; None for all.
        noise: Share of the pictures that carry the benchmark's noise, in worlds that have any, from 0 to 1.
        max_pixels: Largest picture; None for the default size of each world. Pictures are drawn at the size that
            the model sees, so nothing is resampled in training.
        spatialite: A clone of SpatiaLite whose items are avoided beside those whose hashes come with idf.
    """

    samples: int = 20000
    seed: int = 0
    worlds: dict[str, float] = field(default_factory=lambda: {world: 1.0 for world in WORLDS})
    difficulties: dict[str, float] = field(default_factory=lambda: {difficulty: 1.0 for difficulty in DIFFICULTIES})
    kinds: dict[str, float] = field(
        default_factory=lambda: {"rollout": 4.0} | {kind: 1.0 for kind in LESSONS if kind not in ("rollout", PARTIAL)}
    )
    modes: dict[str, float] = field(default_factory=lambda: {"vtqa": 2.0, "vqa": 1.0, "tqa": 1.0})
    wordings: dict[str, float] = field(default_factory=lambda: {"long": 1.0, "short": 1.0})
    phrasings: int | None = None
    noise: float = 0.25
    max_pixels: int | None = None
    spatialite: str | None = None

    def check(self) -> None:
        """Refuse what cannot be made, with a sentence."""
        check_mix("worlds", self.worlds, tuple(WORLDS))
        check_mix("difficulties", self.difficulties, DIFFICULTIES)
        check_mix("kinds", self.kinds, KINDS)
        check_mix("modes", self.modes, MODES)
        check_mix("wordings", self.wordings, WORDINGS)
        check_pixels(self.max_pixels)
        most = min(map(len, (PHRASINGS | BASIC_PHRASINGS).values()))
        if self.phrasings is not None and not 1 <= self.phrasings <= most:
            raise UserError(f"phrasings must be from 1 to {most}, or null for all, not {self.phrasings}")
        if not 0 <= self.noise <= 1:
            raise UserError(f"noise must be from 0 to 1, not {self.noise}")
        if self.samples < 1:
            raise UserError(f"samples must be at least 1, not {self.samples}")
        for world, weight in self.worlds.items():
            if weight > 0 and not any(self.kinds_of(world).values()):
                raise UserError(
                    f"kinds: {world} has none of the kinds with a weight, only {', '.join(kinds_of(WORLDS[world]))}"
                )

    def kinds_of(self, world: str) -> dict[str, float]:
        """The weights of the kinds that a world has."""
        return {kind: self.kinds.get(kind, 0.0) for kind in kinds_of(WORLDS[world])}

    def clone(self) -> Path | None:
        """The clone of SpatiaLite as a path."""
        return None if self.spatialite is None else Path(self.spatialite)
