"""The problems of a round, the checkpoint's answers to them, and what of these is learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from idf.data import ROWS_PER_SHARD, DatasetFolder, Sample, open_dataset, open_engine, text_of, write_dataset
from idf.errors import UserError
from idf.recipe import to_plain
from idf.suites import Item
from idf.traces import FilterRecipe, TeacherRecipe, TracesRecipe, build_traces, filter_traces, judge_trace
from idf.training.reproduce import LOOP
from idf.worlds import Problem, Rng, problem_from_json

from ._files import Facts
from ._probe import cell_of, count_shared
from ._processes import alone
from ._recipe import LoopRecipe


def draw(recipe: LoopRecipe, traces: TracesRecipe, folder: Path, probe: Sequence[Item], suite: Sequence[Item]) -> Facts:
    """Draw the problems of a round and make of them what it trains on.

    Args:
        recipe: The loop's recipe.
        traces: What is drawn, and who answers.
        folder: The round's folder.
        probe: What success is measured on.
        suite: What checkpoints are evaluated on.

    Returns:
        `data`, the name of the folder to train on; `samples` in it; `cells` -> problems `drawn`, `solved` by the checkpoint, and
        told by the `oracle`; `overlaps`, the scenes that are shared with probe and suite.

    Raises:
        UserError: A scene is one of the probe's or the suite's, or there is nothing to learn from.
    """
    (folder / "traces.yaml").write_text(yaml.safe_dump(to_plain(traces), sort_keys=False), encoding="utf-8")
    name = "candidates" if recipe.train.stage == "stage2" else "problems"
    candidates = _found(folder / name)
    if candidates is None:
        alone(_make, traces, folder / name)
        candidates = _open(folder / name)
    problems = {sample.meta["key"]: problem_of(sample) for sample in candidates.samples()}
    measured = [item.problem for item in probe]
    generated = [item.problem for item in suite if item.published is None]  # published ones: see the dataset's card
    overlaps = {
        "probe": count_shared(measured, "the probe", problems.values(), str(folder / name)),
        "suite": count_shared(generated, "the evaluated suite", problems.values(), str(folder / name)),
    }
    if name == "problems":
        return {
            "data": name,
            "samples": len(candidates),
            "cells": _by_cell(problems, set(), set()),
            "overlaps": overlaps,
        }
    kept = _filtered(candidates, folder / "filtered", replace(recipe.filter, keep=len(candidates)))
    solved = set() if kept is None else {sample.meta["key"] for sample in kept.samples()}
    helped = _to_be_told(set(problems) - solved, recipe.train.oracle, traces.seed)
    if kept is None and not helped:
        raise UserError(
            f"the checkpoint solved none of the {len(problems)} problems in {candidates.path}, so there is nothing to learn "
            "from: let the oracle tell a share of them (train.oracle), ask for more samples, or begin with a better checkpoint"
        )
    data = kept
    if helped:
        data = _found(folder / "data") or _with_oracle(recipe, traces, folder, kept, helped)
    assert data is not None
    cells = _by_cell(problems, solved, helped)
    return {"data": data.path.name, "samples": len(data), "cells": cells, "overlaps": overlaps}


def _by_cell(problems: Mapping[str, Problem[Any, Any]], solved: set[str], helped: set[str]) -> dict[str, Counter[str]]:
    """How many problems of each cell were drawn, solved, and told by the oracle."""
    cells: dict[str, Counter[str]] = {}
    for key, problem in sorted(problems.items(), key=lambda pair: cell_of(pair[1])):
        counts = cells.setdefault(str(cell_of(problem)), Counter(drawn=0, solved=0, oracle=0))
        counts.update({"drawn": 1, "solved": key in solved, "oracle": key in helped})
    return cells


def problem_of(sample: Sample) -> Problem[Any, Any]:
    """The problem of a trace."""
    return problem_from_json(sample.meta["problem"])


def _make(traces: TracesRecipe, out: Path) -> None:
    with open_engine("local", None, traces.problems * traces.teacher.samples // ROWS_PER_SHARD) as engine:
        build_traces(traces, out, engine)


def _open(folder: Path) -> DatasetFolder:
    return open_dataset(folder, made_by="idf loop")


def _found(folder: Path) -> DatasetFolder | None:
    """A dataset that is whole, or None."""
    return _open(folder) if (folder / "dataset.json").exists() else None


def _filtered(candidates: DatasetFolder, out: Path, recipe: FilterRecipe) -> DatasetFolder | None:
    """What of the candidates succeeds; None if nothing does."""
    if (found := _found(out)) is not None:
        return found
    judged = (
        judge_trace(problem_of(sample), text_of(sample.messages[-1]), sample.meta["finish_reason"], recipe)
        for sample in candidates.samples()
    )
    if all(lost is not None for lost in judged):
        return None
    folder, funnel = filter_traces(candidates, out, recipe, allow_fewer=True)
    print(funnel.table(), flush=True)
    return folder


def _to_be_told(unsolved: set[str], share: float, seed: int) -> set[str]:
    """The problems that the oracle solves for the checkpoint, by the keys of their samples."""
    return set(Rng("told by the oracle", seed).shuffled(sorted(unsolved))[: round(share * len(unsolved))])


def _with_oracle(
    recipe: LoopRecipe, traces: TracesRecipe, folder: Path, kept: DatasetFolder | None, helped: set[str]
) -> DatasetFolder:
    """The kept samples and the oracle's traces of other problems of the same draw, thoroughly mixed."""
    told = _found(folder / "oracle")
    if told is None:
        _make(replace(traces, teacher=TeacherRecipe()), folder / "oracle")
        told = _open(folder / "oracle")
    facts = {
        "stage": LOOP,
        "recipe": to_plain(recipe),
        "seed": traces.seed,
        "split": "train",
        "published": told.manifest["published"],
        "source": {part.path.name: part.fingerprint() for part in (kept, told) if part is not None},
        "told_by_the_oracle": len(helped),
    }
    turns = [True] * len(kept or ()) + [False] * len(helped)
    mine = iter(kept.samples() if kept is not None else ())
    others = (sample for sample in told.samples() if sample.meta["key"] in helped)
    return write_dataset(
        _mixed(Rng("oracle's turns", traces.seed).shuffled(turns), mine, others), folder / "data", facts
    )


def _mixed(turns: Sequence[bool], mine: Iterator[Sample], others: Iterator[Sample]) -> Iterator[Sample]:
    for turn in turns:
        yield next(mine if turn else others)
