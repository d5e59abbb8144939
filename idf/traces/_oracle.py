"""The oracle teacher: a world's solver, put into words. It needs no network and makes no mistakes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from idf.data import (
    DatasetFolder,
    Sample,
    Slot,
    build_dataset,
    check_mix,
    content_key,
    conversation,
    pick,
    plan_slots,
)
from idf.drawing import draw, encode_png
from idf.errors import UserError
from idf.recipe import check_pixels, to_plain
from idf.scoring import write_answer
from idf.suites import MODES, PROMPTS, prompt_text
from idf.worlds import DIFFICULTIES, WORLDS, Problem, Rng, problem_to_json, sample_problem

TEACHERS = ("oracle",)


@dataclass(frozen=True)
class TracesRecipe:
    """What candidate traces consist of.

    Attributes:
        problems: How many problems to work out.
        teacher: Who works them out.
        seed: Another seed gives other problems of the same kind.
        worlds: Weight of each world.
        difficulties: Weight of each difficulty.
        modes: Weight of what is shown: "vqa" the picture, "tqa" the text, "vtqa" both.
        prompts: Weight of each prompt set.
        max_pixels: Largest picture; None for the default size of each world.
    """

    problems: int = 6000
    teacher: str = "oracle"
    seed: int = 0
    worlds: dict[str, float] = field(default_factory=lambda: {world: 1.0 for world in WORLDS})
    difficulties: dict[str, float] = field(default_factory=lambda: {difficulty: 1.0 for difficulty in DIFFICULTIES})
    modes: dict[str, float] = field(default_factory=lambda: {"vtqa": 2.0, "vqa": 1.0, "tqa": 1.0})
    prompts: dict[str, float] = field(default_factory=lambda: {"idf-long-1": 1.0, "idf-short-1": 1.0})
    max_pixels: int | None = None

    def check(self) -> None:
        """Refuse what cannot be made, with a sentence."""
        check_mix("worlds", self.worlds, tuple(WORLDS))
        check_mix("difficulties", self.difficulties, DIFFICULTIES)
        check_mix("modes", self.modes, MODES)
        check_pixels(self.max_pixels)
        check_mix("prompts", self.prompts, tuple(PROMPTS))
        if self.problems < 1:
            raise UserError(f"problems must be at least 1, not {self.problems}")
        if self.teacher not in TEACHERS:
            raise UserError(f"unknown teacher {self.teacher!r}: use one of {', '.join(TEACHERS)}")


def oracle_response(problem: Problem[Any, Any]) -> str:
    """The solver's solution as reasoning, ending in the answer line."""
    world = WORLDS[problem.world]
    answer = write_answer(world.answer_kind(problem), world.truth(problem))
    return f"{world.narrate(problem)}\nAnswer: {answer}"


def trace_sample(recipe: TracesRecipe, slot: Slot, index: int) -> Sample:
    """Candidate trace number `index` of its world and difficulty; a pure function of its arguments."""
    world = WORLDS[slot.world]
    problem = sample_problem(world, seed=recipe.seed, split="train", index=index, difficulty=slot.difficulty)
    rng = Rng("trace form", recipe.seed, slot.world, slot.difficulty, index)
    mode, prompts = pick(rng, recipe.modes), pick(rng, recipe.prompts)
    content = world.content(problem)
    meta = {
        "key": content_key(slot.world, content, *problem.query),
        "scene": content_key(slot.world, content),
        "seed": recipe.seed,
        "index": index,
        "mode": mode,
        "prompts": prompts,
        "teacher": recipe.teacher,
        "problem": problem_to_json(problem),
        "finish_reason": "stop",
    }
    return Sample(
        id=f"trace:{slot.world}:{slot.difficulty}:{index}",
        world=slot.world,
        difficulty=slot.difficulty,
        kind="trace",
        images=[] if mode == "tqa" else [encode_png(draw(problem, recipe.max_pixels))],
        messages=conversation(
            prompt_text(problem, mode, prompts), oracle_response(problem), with_picture=mode != "tqa"
        ),
        meta=meta,
    )


def build_traces(recipe: TracesRecipe, out: Path, workers: int = 1) -> DatasetFolder:
    """Write a dataset of candidate traces; `filter_traces` makes training data of it.

    Args:
        recipe: What it consists of.
        out: The folder, which must not hold a dataset yet.
        workers: Number of processes; the samples do not depend on it.
    """
    slots = plan_slots(recipe.problems, recipe.worlds, recipe.difficulties, recipe.seed)
    facts = {"stage": "candidate traces", "recipe": to_plain(recipe), "seed": recipe.seed, "split": "train"}
    return build_dataset(slots, partial(trace_sample, recipe), out, facts, workers)
