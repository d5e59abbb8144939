"""What the page of environments says is what was measured, and its adapters are as small as it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from env_speed import table

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/environments.md").read_text()
TOLD = json.loads((ROOT / "bench/results/env_speed.json").read_text())
LEAST = {
    "cube_rolling": 20_000,
    "moving_box": 20_000,
    "wood_slide": 20_000,
    "mental_rotation": 5_000,
    "rubiks_cube": 5_000,
}


def test_the_table_of_speeds_is_that_of_the_committed_result():
    assert table(TOLD) in PAGE


@pytest.mark.parametrize("form", ["as asked", "in prose"])
@pytest.mark.parametrize("world", list(LEAST))
def test_the_committed_result_reaches_what_was_wanted(world, form):
    assert TOLD["steps_a_cpu_second"][world][form] >= LEAST[world]


@pytest.mark.parametrize("adapter", ["gymnasium.py", "reasoning_gym.py", "inspect/_episodes.py"])
def test_an_adapter_has_at_most_60_lines(adapter):
    assert len((ROOT / "idf/integrations" / adapter).read_text().splitlines()) <= 60
