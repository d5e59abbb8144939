"""A tiny model and small datasets, made once for all tests of training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from idf.data import DatasetFolder, open_dataset
from idf.imagery import ImageryRecipe, build_imagery
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces

from .hub_layout import hub_layout

MAX_PIXELS = 112 * 112


@dataclass(frozen=True)
class Tiny:
    """A tiny model and data for both stages.

    Attributes:
        model: The model's folder as it would lie on the hub: what runs begin from, and idf did not write.
        own: The same model as `idf tiny` wrote it, and as checkpoints of training look.
        imagery: Data of stage 1.
        traces: Data of stage 2.
        processor: The model's.
    """

    model: Path
    own: Path
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
    make_tiny_model(folders, root / "own")
    base = hub_layout(root / "own", root / "base")
    return Tiny(base, root / "own", *folders, load_processor(str(base)))


def pictures_of(batch: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What transformers' own forward pass takes of the pictures of a micro-batch."""
    from idf.training.patches import normalised

    if "patches" not in batch:
        return {}
    return {
        "pixel_values": normalised(batch["patches"], batch["colours"], frames=2),
        "image_grid_thw": torch.tensor(batch["cuts"].pictures),
    }


class Hub:
    """Tiny models of every family, tied or not, in every type, as they would lie on the hub; each made when first asked for.

    Args:
        tiny: The data whose texts the tokenizers learn, and the first of the models.
        root: An empty folder.
    """

    def __init__(self, tiny: Tiny, root: Path) -> None:
        self.tiny, self.root = tiny, root

    def __call__(self, family: str, *, tied: bool = True, dtype: torch.dtype = torch.float32) -> Path:
        """The folder of one of them."""
        own = self.own(family)
        folder = self.root / f"{family}-{'tied' if tied else 'untied'}-{str(dtype).removeprefix('torch.')}"
        return folder if folder.exists() else hub_layout(own, folder, tied=tied, dtype=dtype)

    def own(self, family: str) -> Path:
        """A family's model as `idf tiny` wrote it."""
        from idf.training.tiny import make_tiny_model

        own = self.tiny.own if family == "qwen2_5_vl" else self.root / family
        if not own.exists():
            make_tiny_model([self.tiny.imagery, self.tiny.traces], own, family=family)
        return own


@pytest.fixture(scope="session")
def hub(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    return Hub(tiny, tmp_path_factory.mktemp("hub"))
