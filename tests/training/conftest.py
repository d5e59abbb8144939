"""A tiny model and small datasets, made once for all tests of training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from idf.data import DatasetFolder, open_dataset
from idf.imagery import ImageryRecipe, build_imagery
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces

MAX_PIXELS = 112 * 112


@dataclass(frozen=True)
class Tiny:
    """A tiny model's folder and data for both stages."""

    model: Path
    imagery: DatasetFolder
    traces: DatasetFolder
    processor: Any


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    from idf.training.load import load_processor
    from idf.training.tiny import make_tiny_model

    root = tmp_path_factory.mktemp("tiny")
    worlds = {"cube_rolling": 2.0, "moving_box": 1.0, "wood_slide": 1.0}
    difficulties = {"easy": 1.0}
    imagery = ImageryRecipe(samples=48, worlds=worlds, difficulties=difficulties, max_pixels=MAX_PIXELS)
    traces = TracesRecipe(problems=40, worlds=worlds, difficulties=difficulties, max_pixels=MAX_PIXELS)
    build_imagery(imagery, root / "imagery")
    build_traces(traces, root / "candidates")
    filter_traces(open_dataset(root / "candidates", made_by="-"), root / "traces", FilterRecipe(keep=32))
    folders = [open_dataset(root / name, made_by="-") for name in ("imagery", "traces")]
    make_tiny_model(folders, root / "base")
    return Tiny(root / "base", *folders, load_processor(str(root / "base")))
