"""Reading all evaluations and histories of a study, and running `idf compare` on its pairs."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from idf.evaluation import compare, read_results
from idf.suites import Item, read_suite
from idf.worlds import WORLDS

from ._outcome import Answered, Study, read_answers
from ._plan import BASE, Plan


def collect(plan: Plan, facts: dict[str, Any]) -> Study:
    """The outcomes of all runs.

    Raises:
        UserError: An evaluation is missing or broken.
    """
    suite = read_suite(plan.folders.data("suite"))
    answers: dict[str, dict[str, dict[str, Answered]]] = {}
    updates: dict[str, dict[str, dict[str, int]]] = {}
    for name in (BASE, *(run.name for run in plan.runs)):
        answers[name] = {
            str(seed): {
                mode: read_answers(plan.folders.evaluation(name, seed), suite, mode) for mode in plan.recipe.modes
            }
            for seed in plan.recipe.seeds
        }
    for run in plan.runs:
        chain = [run.name, *([run.parent.name] if run.parent else [])]
        updates[run.name] = {}
        for seed in plan.recipe.seeds:
            rows = [row for name in chain for row in _history(plan, name, seed)]
            updates[run.name][str(seed)] = {
                "updates": len(rows),
                "label_tokens": sum(row["label_tokens"] for row in rows),
            }
    return Study(facts, [_described(item) for item in suite], answers, updates, _players(plan))


def _players(plan: Plan) -> dict[str, dict[str, dict[str, float]]]:
    """What the trivial players reach, as every evaluation of the suite says."""
    told = read_results(plan.folders.evaluation(BASE, plan.recipe.seeds[0]))["baselines"]
    return {
        world: {mode: cells["all"] for mode, cells in modes.items()} for world, modes in told.items() if world in WORLDS
    }


def _described(item: Item) -> dict[str, Any]:
    return {"id": item.id, "world": item.problem.world, "steps": len(WORLDS[item.problem.world].solve(item.problem))}


def _history(plan: Plan, name: str, seed: int) -> list[dict[str, Any]]:
    lines = (plan.folders.run(name, seed) / "history.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def measured_seconds(plan: Plan) -> dict[str, Any]:
    """What the study took, run by run: the training's own clock, and the evaluation's."""
    found: dict[str, Any] = {}
    for name in (BASE, *(run.name for run in plan.runs)):
        for seed in plan.recipe.seeds:
            results = json.loads((plan.folders.evaluation(name, seed) / "results.json").read_text())
            training = [] if name == BASE else _history(plan, name, seed)
            found[f"{name} seed {seed}"] = {
                "updates": len(training),
                "training": round(sum(row["seconds"] for row in training), 1),
                "evaluation": results["run"]["seconds"],
            }
    return found


def machine() -> dict[str, Any]:
    """What the study ran on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "transformers", "accelerate", "numpy")},
    }


def compare_seeds(plan: Plan, facts: dict[str, Any]) -> dict[str, Any]:
    """`idf compare` of every pair of arms, budget by budget and seed by seed; each seed's p is corrected over its tasks."""
    found: dict[str, Any] = {}
    for a, b in plan.recipe.comparisons:
        for budget in facts["arms"].get(a, {}):
            if budget not in facts["arms"].get(b, {}):
                continue
            for seed in plan.recipe.seeds:
                both = (plan.folders.evaluation(facts["arms"][arm][budget], seed) for arm in (a, b))
                told = compare(*both, draws=_DRAWS)
                found[f"{a} {b} {budget} seed {seed}"] = [_brief(task) for task in told["tasks"]]
    return found


_DRAWS = 1000
"""Of the bootstrap of token ratios; the rest of a comparison with one sample an item is in closed form."""


def _brief(task: dict[str, Any]) -> dict[str, Any]:
    """A task of `idf compare`, without the names of all items."""
    kept = ("world", "mode", "n", "accuracy_a", "accuracy_b", "difference", "ci95", "test", "p", "p_holm", "tokens")
    return {key: task[key] for key in kept} | {"wins": len(task["wins"]), "losses": len(task["losses"])}
