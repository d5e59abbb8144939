"""A tiny model that has half learned to answer: only then do responses to one problem earn different rewards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from filelock import FileLock

from idf.data import DatasetFolder, open_dataset
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces
from tests.training.running import COMMON, HOOK, run

STAGE3: dict[str, Any] = {
    **{key: COMMON[key] for key in ("device", "precision", "deepspeed", "gradient_checkpointing", "max_pixels")},
    "stage": "reinforcement",
    "gpus": 1,
    "learning_rate": 1e-4,
    "warmup": 0.0,
    "steps": 3,
    "prompts_per_step": 4,
    "samples": 4,
    "samples_per_micro_batch": 4,
    "max_new_tokens": 120,
    "save_steps": 2,
    "keep_checkpoints": 5,
    "wandb": False,
    "hook": {**HOOK, "mode": "off"},
}


class Halfway(NamedTuple):
    """What stage 3 begins from."""

    model: Path
    problems: DatasetFolder

    def recipe(self, **changes: Any) -> dict[str, Any]:
        """A recipe of stage 3."""
        return {**STAGE3, "model": str(self.model), "data": str(self.problems.path), "run": "run", **changes}


@pytest.fixture(scope="session")
def halfway(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Halfway:
    """Made once, whichever of pytest-xdist's workers asks first."""
    root = tmp_path_factory.getbasetemp()
    root = (root if worker_id == "master" else root.parent) / "halfway"
    with FileLock(root.with_suffix(".lock")):
        if not (root / "half/final/idf.json").exists():
            root.mkdir()  # one that another worker failed to make is an error here too
            _make(root)
    return Halfway(root / "half" / "final", open_dataset(root / "candidates", made_by="-"))


def _make(root: Path) -> None:
    from idf.training.tiny import make_tiny_model

    one = TracesRecipe(
        problems=700,
        worlds={"cube_rolling": 1.0},
        difficulties={"easy": 1.0},
        modes={"tqa": 1.0, "vtqa": 1.0},
        prompts={"idf-short-1": 1.0},
        max_pixels=COMMON["max_pixels"],
    )
    build_traces(one, root / "candidates")
    problems = open_dataset(root / "candidates", made_by="-")
    traces, _ = filter_traces(problems, root / "traces", FilterRecipe(keep=600), allow_fewer=True)
    make_tiny_model([traces], root / "base")
    recipe = {**COMMON, "stage": "reasoning", "model": "base", "data": "traces", "run": "half", "learning_rate": 2e-3}
    recipe |= {"tokens_per_row": 512, "rows_per_step": 6, "rows_per_micro_batch": 3, "epochs": 2.0, "save_steps": 1000}
    done = run("stage2.py", recipe, root, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
