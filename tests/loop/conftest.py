"""Loops of a pupil, small enough to be run many times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from idf.loop import LoopRecipe, _round, run_loop
from idf.recipe import read_recipe

from . import pupil

SMALL: dict[str, Any] = {
    "model": "pupil",
    "out": "out",
    "rounds": 2,
    "worlds": ["cube_rolling"],
    "difficulties": ["easy"],
    "items": 8,
    "probe": {"problems": 4, "samples": 3, "temperature": 1.0, "share": 0.25},
    "traces": {
        "problems": 30,
        "teacher": {"name": pupil.NAME, "samples": 2, "temperature": 1.0},
        "modes": {"tqa": 1},
        "prompts": {"idf-short-1": 1},
        "max_pixels": 12544,
    },
    "train": {"recipe": "idf:quickstart/stage2.yaml", "nproc": 2, "oracle": 0.25},
    "evaluation": {"modes": ["tqa"], "prompts": "idf-short-1", "backend": pupil.NAME},
}


def write_recipe(path: Path, **changes: Any) -> Path:
    """A recipe file of the small loop."""
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


Loop = Callable[..., Path]


def loops(folder: Path, patch: pytest.MonkeyPatch) -> Loop:
    """What runs the small loop in this process, in a folder, with changes to its recipe; it returns the loop's own folder."""
    patch.chdir(folder)
    patch.setattr(_round, "train", pupil.train)
    pupil.make_pupil(folder / "pupil", 0.6)

    def run(*overrides: str) -> Path:
        recipe = read_recipe(LoopRecipe, write_recipe(folder / "loop.yaml"), overrides)
        run_loop(recipe, say=lambda said: None)
        return folder / recipe.out

    return run


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """The small loop, to be run with changes."""
    return loops(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small loop, run once."""
    with pytest.MonkeyPatch.context() as patch:
        return loops(tmp_path_factory.mktemp("whole"), patch)()
