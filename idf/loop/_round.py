"""One round: measure the checkpoint, weigh the cells, draw problems, let it answer them, filter, train, evaluate.

Each part writes a JSON file when it is whole, and is skipped where there is one. What is unfinished resumes where it was: answers
and replies are kept as they come, a training run resumes from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idf.evaluation import EvaluationRecipe, read_results, read_samples, run_evaluation
from idf.suites import open_suite
from idf.training.recipe import StageRecipe
from idf.worlds import Rng

from ._cells import success_by_cell, weigh
from ._drawn import draw
from ._files import Facts, once, read_facts
from ._processes import alone
from ._recipe import LoopRecipe
from ._train import epochs_for, train


@dataclass(frozen=True)
class Round:
    """A round of a loop.

    Attributes:
        recipe: The loop's recipe.
        number: From 1; round 0 evaluates the checkpoint that the loop begins with, and nothing else.
        suite: What checkpoints are evaluated on.
        say: Says in a sentence what is done.
    """

    recipe: LoopRecipe
    number: int
    suite: str
    say: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return Path(self.recipe.out) / f"round-{self.number}"

    @property
    def probe(self) -> Path:
        """The suite that success is measured on."""
        return Path(self.recipe.out) / "probe"

    def run(self) -> Facts:
        """All parts that are not whole yet.

        Returns:
            What `done.json` says.

        Raises:
            UserError: A part failed; what is whole is kept.
        """
        if self.number == 0:
            return once(self.folder / "done.json", lambda: self._evaluate(self.recipe.model))
        parts: list[tuple[str, Callable[[], Facts]]] = [
            ("success", self._measure),
            ("weights", self._weigh),
            ("drawn", self._draw),
            ("trained", self._train),
            ("done", lambda: self._evaluate(self._told("trained")["checkpoint"])),
        ]
        for name, make in parts:
            once(self.folder / f"{name}.json", make)
        return self._told("done")

    def _told(self, part: str) -> Facts:
        return read_facts(self.folder / f"{part}.json")

    def _begins_with(self) -> str:
        """The checkpoint of the round before."""
        before = self.folder.with_name(f"round-{self.number - 1}") / "trained.json"
        return self.recipe.model if self.number == 1 else str(read_facts(before)["checkpoint"])

    def _measure(self) -> Facts:
        checkpoint = self._begins_with()
        self.say(f"round {self.number}: what {checkpoint} can do")
        alone(_ask, self.recipe.probe_of(checkpoint, str(self.probe)), self.folder / "probe")
        return {"checkpoint": checkpoint, "cells": success_by_cell(read_samples(self.folder / "probe"))}

    def _weigh(self) -> Facts:
        cells = weigh(self._told("success")["cells"], self.recipe.draw, self.recipe.floor)
        return {"draw": self.recipe.draw, "floor": self.recipe.floor, "cells": cells}

    def _draw(self) -> Facts:
        recipe, seed = self.recipe, Rng("loop", self.recipe.seed, self.number).below(2**31)
        weights = {cell: told["weight"] for cell, told in self._told("weights")["cells"].items()}
        self.say(f"round {self.number}: {recipe.traces.problems:,} problems, {recipe.draw}")
        traces = recipe.traces_of(self._begins_with(), seed, weights)
        probe, suite = open_suite(str(self.probe)), open_suite(self.suite)
        return {"seed": seed, **draw(recipe, traces, self.folder, probe, suite)}

    def _train(self) -> Facts:
        recipe, run = self.recipe, self.folder / "train"
        data, model = self.folder / self._told("drawn")["data"], self._begins_with()
        overrides = recipe.stage_overrides(model, str(data), str(run))
        if recipe.train.updates is not None and recipe.train.stage == "stage3":
            overrides.append(f"steps={recipe.train.updates}")
        elif recipe.train.updates is not None:
            stage = recipe.stage_of(model, str(data), str(run))
            assert isinstance(stage, StageRecipe)  # the recipe was checked
            stage = replace(stage, gpus=recipe.train.nproc)
            overrides.append(f"epochs={epochs_for(recipe.train.updates, stage)!r}")
        self.say(f"round {self.number}: {recipe.train.stage} on {data}")
        final = train(recipe.train.stage, recipe.train.recipe, overrides, recipe.train.nproc, run)
        return {"checkpoint": str(final), "updates": read_facts(final / "idf.json")["step"]}

    def _evaluate(self, checkpoint: str) -> Facts:
        self.say(f"round {self.number}: {checkpoint} on {self.suite}")
        out = self.folder / "evaluation"
        alone(run_evaluation, self.recipe.evaluation_of(checkpoint, self.suite), out)
        results: dict[str, Any] = read_results(out)
        return {"round": self.number, "checkpoint": checkpoint, "macro": results["macro"]}


def _ask(recipe: EvaluationRecipe, out: Path) -> None:
    """An evaluation whose tables nobody reads: what counts are its rows."""
    run_evaluation(recipe, out, say=_say_nothing)


def _say_nothing(sentence: str) -> None:
    """For a function that says what it does."""
