"""The data of the study, made with the commands that everybody uses, and the check that nothing of the suite is in it."""

from __future__ import annotations

import math
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.data import DatasetFolder, content_key, open_dataset
from idf.errors import UserError
from idf.recipe import read_recipe
from idf.suites import read_suite
from idf.training.recipe import StageRecipe
from idf.worlds import WORLDS

from ._arms import Epoch
from ._jobs import idf_command
from ._recipe import StudyRecipe

TRAINED = ("imagery", "traces", "mixed")
"""The datasets that runs learn from."""


@dataclass(frozen=True)
class Folders:
    """Where everything of a study lies.

    Attributes:
        work: Its folder.
    """

    work: Path

    def data(self, name: str) -> Path:
        """A dataset, or the suite."""
        return self.work / "data" / name

    def base(self, seed: int) -> Path:
        """The base model of a seed."""
        return self.work / "base" / f"seed{seed}"

    def run(self, name: str, seed: int) -> Path:
        """A training run."""
        return self.work / "runs" / f"{name}-seed{seed}"

    def evaluation(self, name: str, seed: int) -> Path:
        """The evaluation of a training run, or of the base model."""
        return self.work / "evaluations" / f"{name}-seed{seed}"

    def tokens(self, name: str) -> Path:
        """A dataset as token ids."""
        return self.work / "tokens" / name

    def log(self, name: str) -> Path:
        """What a process printed."""
        return self.work / "logs" / f"{name}.log"


def data_commands(recipe: StudyRecipe, folders: Folders) -> list[tuple[Path, list[str]]]:
    """What makes the data, in order: (the file that is there when it is made, the words after `idf`)."""
    imagery, candidates, traces, mixed, suite = map(folders.data, ("imagery", "candidates", "traces", "mixed", "suite"))
    imagery_parts, traces_parts = recipe.imagery_share
    # So often that the mixture holds both in the proportion in which imagery-then-traces sees them.
    times = max(1, round(recipe.imagery_samples / recipe.traces_kept * traces_parts / imagery_parts))
    return [
        (
            imagery / "dataset.json",
            ["imagery", "--recipe", recipe.imagery, "--samples", str(recipe.imagery_samples), "--out", str(imagery)],
        ),
        (
            candidates / "dataset.json",
            ["traces", "--recipe", recipe.traces, "--problems", str(recipe.trace_problems), "--out", str(candidates)],
        ),
        (
            traces / "dataset.json",
            ["filter", str(candidates), "--keep", str(recipe.traces_kept), "--out", str(traces)],
        ),
        (mixed / "dataset.json", ["mix", str(imagery), f"{traces}:{times}", "--out", str(mixed)]),
        (suite / "suite.json", ["suite", "--recipe", recipe.suite, "--items", str(recipe.items), "--out", str(suite)]),
        *(
            (
                folders.base(seed) / "processor_config.json",
                ["tiny", str(imagery), str(traces), "--seed", str(seed), "--out", str(folders.base(seed))],
            )
            for seed in recipe.seeds
        ),
    ]


def make_missing(steps: Iterable[tuple[Path, list[str]]], say: Callable[[str], None]) -> None:
    """Make what is not there, with the commands that everybody uses.

    Args:
        steps: The file that is there when it is made, and the words after `idf`; in order.
        say: Prints a line.

    Raises:
        UserError: A command failed.
    """
    for file, words in steps:
        if not file.exists():
            say(f"idf {' '.join(words)}")
            if subprocess.run([idf_command("idf"), *words]).returncode != 0:
                raise UserError(f"idf {' '.join(words)} failed: its words stand above")


def opened(folders: Folders) -> dict[str, DatasetFolder]:
    """The datasets that runs learn from, by name.

    Raises:
        UserError: One is missing or damaged.
    """
    return {name: open_dataset(folders.data(name), made_by="bench/study/run.sh") for name in TRAINED}


def count_overlaps(datasets: Mapping[str, DatasetFolder], suite: Path) -> dict[str, Any]:
    """How many samples of each dataset show a scene of the suite, up to the symmetries of its world, and published ones.

    Raises:
        UserError: A scene of the suite is in the data.
    """
    asked = {
        content_key(item.problem.world, WORLDS[item.problem.world].keys(item.problem).canonical)
        for item in read_suite(suite)
    }
    found: dict[str, Any] = {"suite_scenes": len(asked), "datasets": {}}
    for name, folder in datasets.items():
        in_suite, published = 0, Counter[str]()
        for sample in folder.samples():
            in_suite += sample.meta["scene"] in asked
            published.update(sample.meta["overlaps"])
        found["datasets"][name] = {
            "samples": len(folder),
            "in_suite": in_suite,
            "published": {level: published[level] for level in ("exact", "canonical", "skeleton")},
        }
        if in_suite:
            raise UserError(f"{in_suite} samples of {folder.path} show a scene of the suite {suite}: they must not")
    return found


def stage_recipes(recipe: StudyRecipe) -> tuple[StageRecipe, StageRecipe]:
    """The recipes of both stages, before they are overridden.

    Raises:
        UserError: One is wrong, or an update of the one is not as large as an update of the other.
    """
    both = [read_recipe(StageRecipe, path) for path in (recipe.stage1, recipe.stage2)]
    for key in ("tokens_per_row", "rows_per_step", "max_pixels", "learning_rate", "warmup"):
        values = [getattr(stage, key) for stage in both]
        if values[0] != values[1]:
            raise UserError(
                f"{recipe.stage1} has {key}={values[0]}, {recipe.stage2} has {values[1]}: updates of the two must be alike"
            )
    return both[0], both[1]


def encode(datasets: Mapping[str, DatasetFolder], stage: StageRecipe, base: Path, folders: Folders) -> dict[str, Epoch]:
    """Encode each dataset once for all runs, and say what a pass over it is."""
    from idf.training.dataset import TokenStore, prepare_tokens, tokens_folder
    from idf.training.encode import Encoder
    from idf.training.load import load_processor
    from idf.training.packing import pack

    encoder = Encoder(load_processor(str(base)), stage.tokens_per_row, stage.max_pixels)
    epochs = {}
    for name, folder in datasets.items():
        prepare_tokens(folder, encoder, folders.tokens(name), show=True)
        store = TokenStore(tokens_folder(folder, encoder, folders.tokens(name)))
        rows = len(pack(store.lengths(), stage.tokens_per_row, stage.seed))
        epochs[name] = Epoch(math.ceil(rows / stage.rows_per_step), store.label_tokens, store.tokens)
    return epochs


def link_tokens(source: Path, run: Path) -> None:
    """Give a run the tokens of its data, so that it need not encode them again; the files are shared, not copied."""
    for tokens in source.glob("tokens-*"):
        target = run / tokens.name
        if tokens.suffix == ".part" or target.exists():
            continue
        part = run / f"{tokens.name}.part"
        part.mkdir(parents=True, exist_ok=True)
        for file in tokens.iterdir():
            (part / file.name).unlink(missing_ok=True)
            (part / file.name).hardlink_to(file)
        part.rename(target)
