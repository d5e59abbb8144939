"""What will be run, fixed before the first run, and the processes that do it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from idf.data import DatasetFolder
from idf.errors import UserError
from idf.recipe import to_plain
from idf.training.recipe import StageRecipe

from ._arms import DATA, Epoch, Run, all_runs, run_of
from ._data import Folders, link_tokens
from ._jobs import Job, idf_command
from ._outcome import write_json
from ._recipe import ARMS, StudyRecipe

BASE = "base"
"""The name of the run that is none: the untrained model."""
ROOT = Path(__file__).parents[2]
_DONE = "done"
"""A file in the folder of an evaluation that is whole."""


@dataclass(frozen=True)
class Plan:
    """The runs of a study.

    Attributes:
        recipe: Its recipe.
        folders: Where everything lies.
        stage: The recipe that both stages share.
        epochs: Dataset -> a pass over it.
        runs: Every run, of each seed.
    """

    recipe: StudyRecipe
    folders: Folders
    stage: StageRecipe
    epochs: Mapping[str, Epoch]
    runs: list[Run]

    def facts(self, datasets: Mapping[str, DatasetFolder], overlaps: Mapping[str, Any]) -> dict[str, Any]:
        """All that was fixed before the first run, as JSON values."""
        arms = {
            arm: {str(budget): _name(run_of(arm, budget, self.recipe, self.epochs)) for budget in budgets}
            for arm in ARMS
            if (budgets := self.recipe.budgets_of(arm))
        }
        return {
            "recipe": to_plain(self.recipe),
            "stage": to_plain(self.stage),
            "datasets": {
                name: {"samples": len(folder), "fingerprint": folder.fingerprint(), "epoch": asdict(self.epochs[name])}
                for name, folder in datasets.items()
            },
            "overlaps": dict(overlaps),
            "arms": arms,
            "runs": {
                run.name: {"updates": run.updates, "before": run.before, "label_tokens_expected": self.labels(run)}
                for run in self.runs
            },
        }

    def labels(self, run: Run) -> int:
        """Label tokens that a run is expected to see, its parent's included."""
        before = self.labels(run.parent) if run.parent else 0
        return before + round(run.updates * self.epochs[DATA[run.kind]].labels_per_update)

    def jobs(self) -> list[Job]:
        """The processes of all seeds: one seed after the other, so that what is there early is whole."""
        found = []
        for seed in self.recipe.seeds:
            found.append(self._evaluation(BASE, self.folders.base(seed), seed, ()))
            for run in self.runs:
                found.append(self._training(run, seed))
                found.append(self._evaluation(run.name, self.folders.run(run.name, seed) / "final", seed, (run.name,)))
        return found

    def whole_seeds(self) -> list[int]:
        """The seeds whose runs have all been trained and evaluated."""
        names = (BASE, *(run.name for run in self.runs))
        return [
            seed
            for seed in self.recipe.seeds
            if all((self.folders.evaluation(name, seed) / _DONE).exists() for name in names)
        ]

    def _training(self, run: Run, seed: int) -> Job:
        recipe, folder, data = self.recipe, self.folders.run(run.name, seed), DATA[run.kind]
        stage2 = run.kind in ("traces", "then")
        parent = run.parent
        model = self.folders.run(parent.name, seed) / "final" if parent else self.folders.base(seed)
        overrides = {
            "model": model,
            "data": self.folders.data(data),
            "run": folder,
            "epochs": repr(run.updates / self.epochs[data].updates),
            "seed": seed,
        }
        history = folder / "history.jsonl"

        def progress() -> float:
            return history.read_bytes().count(b"\n") / run.updates if history.exists() else 0.0

        def clean() -> None:
            if progress() != 1.0:
                raise UserError(f"{folder} was to have {run.updates} updates, {history} says otherwise")
            for checkpoint in folder.glob("checkpoint-*"):
                shutil.rmtree(checkpoint)

        return Job(
            name=f"{run.name} seed {seed}",
            command=[
                *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"),
                str(ROOT / "launch" / ("stage2.py" if stage2 else "stage1.py")),
                *("--recipe", recipe.stage2 if stage2 else recipe.stage1),
                *(f"{key}={value}" for key, value in overrides.items()),
            ],
            done=lambda: (folder / "final" / "idf.json").exists(),
            log=self.folders.log(f"train-{run.name}-seed{seed}"),
            seconds=recipe.seconds_to_start + run.updates * recipe.seconds_per_update,
            needs=(f"{parent.name} seed {seed}",) if parent else (),
            before=lambda: link_tokens(self.folders.tokens(data), folder),
            after=clean,
            progress=progress,
        )

    def _evaluation(self, name: str, checkpoint: Path, seed: int, needs: tuple[str, ...]) -> Job:
        recipe, out = self.recipe, self.folders.evaluation(name, seed)
        return Job(
            name=f"evaluation of {name} seed {seed}",
            command=[
                *(idf_command("idf-eval"), str(checkpoint), "--suite", str(self.folders.data("suite"))),
                *("--modes", ",".join(recipe.modes), "--prompts", recipe.prompts),
                *("--max-new-tokens", str(recipe.max_new_tokens), "--batch-size", str(recipe.batch_size)),
                *("--max-pixels", str(self.stage.max_pixels), "--out", str(out)),
            ],
            done=lambda: (out / _DONE).exists(),
            log=self.folders.log(f"evaluate-{name}-seed{seed}"),
            seconds=recipe.seconds_per_evaluation,
            needs=tuple(f"{need} seed {seed}" for need in needs),
            after=(out / _DONE).touch,  # the files of an evaluation are written one after the other
        )


def make_plan(recipe: StudyRecipe, folders: Folders, stage: StageRecipe, epochs: Mapping[str, Epoch]) -> Plan:
    """The plan of a recipe."""
    return Plan(recipe, folders, stage, epochs, all_runs(recipe, ARMS, epochs))


def fix_plan(path: Path, facts: Mapping[str, Any]) -> None:
    """Write down what will be run; it may not change afterwards.

    Of a recipe the file name is compared and not its folder: the study and its recipes have moved since it was run.

    Raises:
        UserError: The study was begun with another plan.
    """
    said = json.loads(json.dumps(facts))
    if not path.exists():
        write_json(path, said, indent=2)
        return
    before = json.loads(path.read_text())
    for part in said:
        for key, value in said[part].items():
            was = before[part].get(key)
            moved = part == "recipe" and key in _RECIPES and Path(was or "").name == Path(value).name
            if was != value and not moved and key not in _MAY_CHANGE:
                raise UserError(
                    f"the study in {path.parent} was begun with {part}.{key}={was}, not {value}: set it "
                    "back, or name another folder with work=DIR"
                )


_MAY_CHANGE = ("at_once", "results", "seconds_per_update", "seconds_per_evaluation", "seconds_to_start")
_RECIPES = ("imagery", "traces", "suite", "stage1", "stage2")


def _name(run: Run | None) -> str:
    return BASE if run is None else run.name
