"""The data of the study: paths that are held out in all colours, data without them, and a suite of them alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.study._data import Folders
from idf.data import DatasetFolder, Sample, content_key, open_dataset, write_dataset
from idf.errors import UserError
from idf.suites import Item, published, read_suite, write_suite
from idf.worlds import WORLDS, Draw, problem_from_json

from ._recipe import HERE, WORLD, PretrainedRecipe

MADE_BY = "python -m bench.pretrained --plan"
TRACES = {"traces": "full", "short": "needed"}
"""Dataset of traces -> the length that the oracle tells (docs/teachers.md)."""
WHOLE = ("rollout", "masked", "trace")
"""Kinds of samples that show a whole path; the others show a stretch of one."""
_WALK_SEED = 1
_SPARE = 1.3
"""So many times what is wanted is made."""
_PATIENCE = 60
"""Problems drawn for each item that is wanted."""


def path_of(start: str, rolls: Iterable[str]) -> str:
    """A path up to the symmetries of the board, whatever the colours of the cube on it."""
    query = {"path": " ".join(rolls), "face": "top"}
    problem = problem_from_json({"world": WORLD, "difficulty": "easy", "start": start, "query": query})
    return WORLDS[WORLD].keys(problem).skeleton


def is_held_out(path: str, recipe: PretrainedRecipe) -> bool:
    """Whether a path of the rolls that are trained is held out: by a hash of it, so that every dataset of any seed agrees."""
    return len(path.split()) in recipe.rolls and int(content_key("held out", WORLD, path), 16) % recipe.held_out == 0


def may_train(sample: Sample, recipe: PretrainedRecipe) -> bool:
    """Whether a sample shows no held-out path and, if it is of a whole path, one of the rolls that are trained."""
    start, rolls = _course(sample)
    if len(rolls) > max(recipe.rolls) or (sample.kind in WHOLE and len(rolls) not in recipe.rolls):
        return False
    return not rolls or not is_held_out(path_of(start, rolls), recipe)


def _course(sample: Sample) -> tuple[str, list[str]]:
    if "problem" in sample.meta:  # a trace
        problem = sample.meta["problem"]
        return problem["start"], problem["query"]["path"].split()
    return sample.meta["start"], sample.meta["actions"]


def commands(recipe: PretrainedRecipe, folders: Folders) -> list[tuple[Path, list[str]]]:
    """What makes the data before paths are held out: (the file that is there when it is made, the words after `idf`)."""
    steps: list[tuple[Path, list[str]]] = []

    def step(name: str, words: list[str], *changes: str) -> None:
        out = folders.data(name)
        steps.append((out / "dataset.json", [*words, "--out", str(out), *changes]))

    free = 1 - 1 / recipe.held_out
    share = free * len(recipe.rolls) / 10  # of whole walks, which have one to ten rolls, that may train
    # Of each kind so many that after the choice the kinds have their weights.
    kinds = {kind: weight / (share if kind in WHOLE else free / 2) for kind, weight in recipe.kinds.items()}
    made = round(_SPARE * recipe.samples * sum(kinds.values()) / sum(recipe.kinds.values()))
    written = ", ".join(f"{kind}: {weight:.3f}" for kind, weight in kinds.items())
    imagery = ["imagery", "--recipe", str(HERE / "imagery.yaml"), "--samples"]
    step("imagery-all", [*imagery, str(made)], f"kinds={{{written}}}")
    step("walks-all", [*imagery, str(30 * recipe.walks)], "kinds={rollout: 1}", f"seed={_WALK_SEED}")
    problems = str(round(_SPARE * recipe.samples / free))
    cells = ", ".join(f'"{WORLD}:{rolls}": 1' for rolls in recipe.rolls)
    for name, length in TRACES.items():
        traces = ["traces", "--recipe", str(HERE / "traces.yaml"), "--problems", problems]
        step(f"{name}-all", traces, f"teacher.lengths={{{length}: 1}}", f"cells={{{cells}}}")
        kept = ["filter", str(folders.data(f"{name}-all")), "--keep", problems]
        step(f"{name}-kept", kept, "level=consistent")
    return steps


def hold_out(recipe: PretrainedRecipe, folders: Folders) -> None:
    """Write the datasets that are learned from, the held-out walks, and the suite; what is there stays.

    Raises:
        UserError: Too few samples may be used.
    """
    weights = sum(recipe.kinds.values())
    quotas = {kind: round(recipe.samples * weight / weights) for kind, weight in recipe.kinds.items()}
    _keep(folders, "imagery-all", "imagery", quotas, lambda sample: may_train(sample, recipe))
    for name in TRACES:
        _keep(folders, f"{name}-kept", name, {"trace": recipe.samples}, lambda sample: may_train(sample, recipe))
    _keep(folders, "walks-all", "walks", {"rollout": recipe.walks}, lambda sample: is_new_walk(sample, recipe))
    suite = folders.data("suite")
    if not (suite / "suite.json").exists():
        items = draw_items(recipe)
        write_suite(
            items, suite, {"recipe": {"rolls": recipe.rolls, "longer": recipe.longer}, "items": len(items)}, 12544
        )


def is_new_walk(sample: Sample, recipe: PretrainedRecipe) -> bool:
    """Whether a walk is along a held-out path, as long as those that are trained."""
    start, rolls = _course(sample)
    return len(rolls) in recipe.rolls and is_held_out(path_of(start, rolls), recipe)


def _keep(folders: Folders, source: str, name: str, quotas: dict[str, int], wanted: Callable[[Sample], bool]) -> None:
    out = folders.data(name)
    if (out / "dataset.json").exists():
        return
    folder = open_dataset(folders.data(source), made_by=MADE_BY)
    left = dict(quotas)

    def chosen() -> Iterator[Sample]:
        for sample in folder.samples():
            if left.get(sample.kind, 0) > 0 and wanted(sample):
                left[sample.kind] -= 1
                yield sample
        if any(left.values()):
            raise UserError(f"{folder.path} holds too few samples that may be used: {left} are lacking")

    facts = {key: folder.manifest[key] for key in ("stage", "recipe", "seed", "split", "published", "choice")}
    write_dataset(chosen(), out, facts | {"source": {"folder": source, "fingerprint": folder.fingerprint()}})


def draw_items(recipe: PretrainedRecipe) -> list[Item]:
    """The suite: held-out paths of the rolls that are trained, then longer ones; as many of each number of rolls.

    Raises:
        UserError: There are too few.
    """
    world, avoid = WORLDS[WORLD], published().avoid
    items: list[Item] = []
    for rolls, wanted in ((recipe.rolls, recipe.items), (recipe.longer, recipe.longer_items)):
        for place, size in enumerate(rolls):
            count = wanted // len(rolls) + (place < wanted % len(rolls))
            [difficulty] = [name for name, sizes in world.bins.items() if size in sizes]
            found = 0
            for index in range(_PATIENCE * wanted):
                if found == count:
                    break
                problem = Draw(0, "eval", index, difficulty, avoid).problem(world).scene
                new = size not in recipe.rolls or is_held_out(world.keys(problem).skeleton, recipe)
                if world.size(problem) == size and new:
                    items.append(Item(f"{WORLD}:{difficulty}:{size}-{found}", problem, None))
                    found += 1
            if found < count:
                raise UserError(f"only {found} of {count} items of {size} rolls were found: ask for fewer")
    return items


def count_overlaps(datasets: dict[str, DatasetFolder], suite: Path, recipe: PretrainedRecipe) -> dict[str, Any]:
    """How many samples show a path of the suite, in whatever colours: none may.

    Raises:
        UserError: One does.
    """
    world = WORLDS[WORLD]
    items = read_suite(suite)
    asked = {world.keys(item.problem).skeleton for item in items}
    found: dict[str, Any] = {
        "items": dict(Counter(str(world.size(item.problem)) for item in items)),
        "paths": dict(Counter(str(len(path.split())) for path in asked)),
        "datasets": {},
    }
    for name, folder in datasets.items():
        trained = Counter(path_of(start, rolls) for start, rolls in map(_course, folder.samples()) if rolls)
        in_suite = sum(number for path, number in trained.items() if path in asked)
        if in_suite:
            raise UserError(f"{in_suite} samples of {folder.path} show a path of the suite {suite}: they must not")
        parts = sum(any(f" {path} " in f" {longer} " for longer in trained) for path in asked)
        found["datasets"][name] = {
            "samples": len(folder),
            "fingerprint": folder.fingerprint(),
            "paths": len(trained),
            "in_suite": in_suite,
            "suite_paths_within_a_trained_one": parts,
        }
    return found
