"""bench/train.py at its smallest size: what it measures is complete, and packing wastes less than padding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("bench") / "train.json"
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench/train.py"), "--quick", "--cpu", "--out", str(out)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text())


@pytest.mark.slow
def test_every_way_reports_speed_memory_and_padding(result: dict[str, Any]) -> None:
    both = ["stock Trainer", "stock Trainer, one by one"]
    assert list(result["ways"]) == ["packed", "packed in long rows", "unpacked", *both]
    for way in result["ways"].values():
        for key in (
            "useful_tokens_per_second",
            "useful_tokens_per_cpu_second",
            "step_seconds",
            "peak_mib",
            "times_stock",
        ):
            assert way[key] > 0
    assert result["ways"]["stock Trainer"]["times_stock"] == 1
    assert {"machine", "device", "model", "settings", "lengths", "training_log", "loss_memory"} <= set(result)


@pytest.mark.slow
def test_packing_wastes_less_than_padding(result: dict[str, Any]) -> None:
    packed, stock = result["ways"]["packed"], result["ways"]["stock Trainer"]
    assert packed["padding_share"] < stock["padding_share"] / 2
    assert packed["positions"] < stock["positions"]
    assert result["ways"]["stock Trainer, one by one"]["padding_share"] == 0


@pytest.mark.slow
def test_all_ways_learn_the_same_tokens(result: dict[str, Any]) -> None:
    ways = result["ways"].values()
    assert len({(way["tokens"], way["label_tokens"]) for way in ways}) == 1
    assert result["ways"]["unpacked"]["first_loss"] == pytest.approx(
        result["ways"]["stock Trainer"]["first_loss"], 1e-3
    )


@pytest.mark.slow
def test_the_mix_of_lengths_stands_beside_the_real_one(result: dict[str, Any]) -> None:
    for name in ("trained_on", "real"):
        assert {"tokens", "text_only_share", "vision_token_share", "label_token_share"} <= set(result["lengths"][name])
    assert set(result["lengths"]["waste"]["packed_rows_filled"]) == {"4096", "8192", "16384"}
