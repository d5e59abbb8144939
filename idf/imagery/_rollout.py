"""Forward rollouts: the picture, the actions, every state in between, and a question about the last one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from idf.data import DatasetFolder, Sample, Slot, build_dataset, check_mix, content_key, conversation, pick, plan_slots
from idf.drawing import draw, encode_png
from idf.errors import UserError
from idf.recipe import check_pixels, to_plain
from idf.suites import MODES
from idf.worlds import DIFFICULTIES, WORLDS, Rng, Walk, sample_walk


@dataclass(frozen=True)
class ImageryRecipe:
    """What stage-1 data consists of.

    Attributes:
        samples: How many, in all.
        seed: Another seed gives other samples of the same kind.
        worlds: Weight of each world.
        difficulties: Weight of each difficulty.
        modes: Weight of what is shown: "vqa" the picture, "tqa" the text, "vtqa" both.
        wordings: Weight of each wording: "long" states the rule, "short" only what is asked.
        max_pixels: Largest picture; None for the default size of each world. Pictures are drawn at the size that
            the model sees, so nothing is resampled in training.
    """

    samples: int = 20000
    seed: int = 0
    worlds: dict[str, float] = field(default_factory=lambda: {world: 1.0 for world in WORLDS})
    difficulties: dict[str, float] = field(default_factory=lambda: {difficulty: 1.0 for difficulty in DIFFICULTIES})
    modes: dict[str, float] = field(default_factory=lambda: {"vtqa": 2.0, "vqa": 1.0, "tqa": 1.0})
    wordings: dict[str, float] = field(default_factory=lambda: {"long": 1.0, "short": 1.0})
    max_pixels: int | None = None

    def check(self) -> None:
        """Refuse what cannot be made, with a sentence."""
        check_mix("worlds", self.worlds, tuple(WORLDS))
        check_mix("difficulties", self.difficulties, DIFFICULTIES)
        check_mix("modes", self.modes, MODES)
        check_pixels(self.max_pixels)
        check_mix("wordings", self.wordings, ("long", "short"))
        if self.samples < 1:
            raise UserError(f"samples must be at least 1, not {self.samples}")


def imagery_sample(recipe: ImageryRecipe, slot: Slot, index: int) -> Sample:
    """Imagery sample number `index` of its world and difficulty; a pure function of its arguments."""
    world = WORLDS[slot.world]
    walk = sample_walk(world, seed=recipe.seed, split="train", index=index, difficulty=slot.difficulty)
    rng = Rng("imagery form", recipe.seed, slot.world, slot.difficulty, index)
    mode, wording = pick(rng, recipe.modes), pick(rng, recipe.wordings)
    prompt = rollout_prompt(walk, mode, wording)
    response = f"{world.imagine(walk)}\nAnswer: {walk.answer}"
    content = world.walk_content(walk)
    meta = {
        "key": content_key(slot.world, content, *walk.actions, walk.question),
        "scene": content_key(slot.world, content),
        "seed": recipe.seed,
        "index": index,
        "mode": mode,
        "wording": wording,
        "start": world.write(walk.start),
        "actions": list(walk.actions),
        "answer": walk.answer,
    }
    images = [] if mode == "tqa" else [encode_png(draw(walk, recipe.max_pixels))]
    return Sample(
        id=f"imagery:{slot.world}:{slot.difficulty}:{index}",
        world=slot.world,
        difficulty=slot.difficulty,
        kind="rollout",
        images=images,
        messages=conversation(prompt, response, with_picture=mode != "tqa"),
        meta=meta,
    )


def rollout_prompt(walk: Walk[object], mode: str, wording: str) -> str:
    """The prompt of a forward rollout. In mode "vqa" the start is only in the picture."""
    world = WORLDS[walk.world]
    start = f"Start: {world.describe(walk.start, pictured=mode == 'vqa')}"
    rule = f"{world.rule} " if wording == "long" else ""
    return f"{rule}{start}\nActions: {' '.join(walk.actions)}\n{walk.question}"


def build_imagery(recipe: ImageryRecipe, out: Path, workers: int = 1) -> DatasetFolder:
    """Write a stage-1 dataset.

    Args:
        recipe: What it consists of.
        out: The folder, which must not hold a dataset yet.
        workers: Number of processes; the samples do not depend on it.
    """
    slots = plan_slots(recipe.samples, recipe.worlds, recipe.difficulties, recipe.seed)
    facts = {"stage": "imagery", "recipe": to_plain(recipe), "seed": recipe.seed, "split": "train"}
    return build_dataset(slots, partial(imagery_sample, recipe), out, facts, workers)
