"""`summary.png`: it is drawn for whatever an evaluation holds, and the same numbers give the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from idf.evaluation import Row, baseline_cells, summarize, write_summary_png
from tests.evaluation.folders import RUN, told
from tests.evaluation.samples import ITEMS


def drawn(rows: list[Row], out: Path, **more: Any) -> np.ndarray:
    out.mkdir(exist_ok=True)
    path = write_summary_png(rows, {**summarize(rows), "run": RUN, **more}, out)
    assert path == out / "summary.png"
    with Image.open(path) as picture:
        assert "Software" not in picture.info
        return np.asarray(picture.convert("RGB"))


ROWS = [
    one
    for mode in ("tqa", "vqa")
    for size in range(1, 7)
    for one in told(range(size), 4, mode=mode, size=size, completion_tokens=100 * size)
]
ROWS = [Row(**{**one.to_json(), "id": f"{one.id}:{one.size}", "cluster": ""}) for one in ROWS]


def test_the_same_numbers_give_the_same_file(tmp_path):
    assert (drawn(ROWS, tmp_path / "a") == drawn(ROWS, tmp_path / "b")).all()


def test_without_tokens_only_accuracies_are_drawn(tmp_path):
    silent = [Row(**{**one.to_json(), "completion_tokens": None}) for one in ROWS]
    assert drawn(silent, tmp_path / "a").shape[0] < 0.7 * drawn(ROWS, tmp_path / "b").shape[0]


def test_trivial_players_are_marked(tmp_path):
    with_players = drawn(ROWS, tmp_path / "a", baselines=baseline_cells(ITEMS, ["tqa", "vqa"]))
    assert (with_players != drawn(ROWS, tmp_path / "b")).any()


@pytest.mark.parametrize("name", ["$x$ _y_ \\frac", "a" * 200, ""])
def test_a_name_is_no_formula_and_fits(tmp_path, name):
    assert drawn(ROWS[:3], tmp_path, run={"evaluated": name}).shape[1] == 1520
