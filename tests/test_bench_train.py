"""bench/train.py at its smallest size: what it measures is complete, and packing wastes less than padding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from train_table import sentence, speed, texts, with_text  # noqa: E402

OURS = ["packed", "packed in long rows", "unpacked"]


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


@pytest.mark.full
@pytest.mark.slow
def test_every_way_reports_speed_memory_and_padding(result: dict[str, Any]) -> None:
    assert list(result["ways"]) == [*OURS, "Trainer, 8 at random", "Trainer, 2 sorted", "TRL, 1"]
    for name, way in result["ways"].items():
        for key in ("useful_tokens_per_second", "useful_tokens_per_cpu_second", "step_seconds", "peak_mib"):
            assert way[key] > 0
        if name not in OURS:
            assert all(way["ours_times"][ours]["times"] > 0 for ours in OURS[:2])
    assert {"machine", "device", "model", "settings", "lengths", "training_log", "loss_memory"} <= set(result)


@pytest.mark.full
@pytest.mark.slow
def test_the_strongest_setting_of_each_peer_is_named_and_what_was_not_run_says_why(result: dict[str, Any]) -> None:
    trainer, trl = result["strongest"]
    speeds = {name: way["useful_tokens_per_cpu_second"] for name, way in result["ways"].items()}
    assert speeds[trainer] == max(speeds["Trainer, 8 at random"], speeds["Trainer, 2 sorted"])
    assert trl == "TRL, 1"
    assert "llamafactory.sh" in result["not_run"]["LLaMA-Factory, neat_packing"]


@pytest.mark.full
@pytest.mark.slow
def test_memory_is_compared_at_equal_positions(result: dict[str, Any]) -> None:
    (row,) = result["memory"]
    assert row["positions"] == result["ways"][row["way"]]["largest_micro_batch"]
    assert row["share"] == pytest.approx(row["ours_mib"] / row["mib"], abs=0.01)


@pytest.mark.full
@pytest.mark.slow
def test_packing_wastes_less_than_padding(result: dict[str, Any]) -> None:
    packed, padded = result["ways"]["packed"], result["ways"]["Trainer, 8 at random"]
    assert packed["padding_share"] < padded["padding_share"] / 2
    assert packed["positions"] < padded["positions"]
    assert result["ways"]["TRL, 1"]["padding_share"] == 0
    assert result["ways"]["Trainer, 2 sorted"]["padding_share"] < padded["padding_share"]


@pytest.mark.full
@pytest.mark.slow
def test_all_ways_learn_the_same_tokens(result: dict[str, Any]) -> None:
    ways = result["ways"]
    assert len({way["tokens"] for way in ways.values()}) == 1
    assert len({way["label_tokens"] for name, way in ways.items() if name != "TRL, 1"}) == 1
    assert ways["unpacked"]["first_loss"] == pytest.approx(ways["Trainer, 8 at random"]["first_loss"], 1e-5)


@pytest.mark.full
@pytest.mark.slow
def test_the_mix_of_lengths_stands_beside_the_real_one(result: dict[str, Any]) -> None:
    for name in ("trained_on", "real"):
        assert {"tokens", "text_only_share", "vision_token_share", "label_token_share"} <= set(result["lengths"][name])
    assert set(result["lengths"]["waste"]["packed_rows_filled"]) == {"4096", "8192", "16384"}


# --- what the pages quote ----------------------------------------------------------------------------------------


def way(speed: float, times: tuple[float, ...] = ()) -> dict[str, Any]:
    ratios = {ours: {"times": times[0], "passes": list(times)} for ours in OURS[:2]} if times else {}
    return {
        "useful_tokens_per_cpu_second": speed,
        "padding_share": 0.01,
        "passes": len(times) or 3,
        "first_loss": 6.5,
    } | ({"ours_times": ratios} if times else {})


def a_result() -> dict[str, Any]:
    ways = {name: way(1500.0) for name in OURS}
    ways |= {"Trainer, 1": way(1400.0, (1.07, 1.08)), "Trainer, 2 sorted": way(1450.4, (1.03,))}
    return {
        "settings": {"tokens_per_row": 2560, "long_rows": 8192},
        "ways": ways,
        "strongest": ["Trainer, 2 sorted"],
        "not_run": {"LLaMA-Factory, neat_packing": "no environment"},
        "memory": [{"way": "Trainer, 2 sorted", "positions": 3860, "mib": 1000, "ours_mib": 700, "share": 0.7}],
    }


def test_the_table_begins_with_ours_and_the_strongest_and_ends_with_what_was_not_run() -> None:
    lines = speed(a_result()).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == [
        "| **ours, rows of 2,560**",
        "| **ours, rows of 8,192**",
        "| ours, 8 padded",
        "| Trainer, 2 sorted",
        "| Trainer, 1",
        "| LLaMA-Factory, neat_packing",
    ]
    assert "| 1,450 | 1.03 | 1.03 | 1.0 % | 1 |" in lines[3]
    assert "not measured: no environment" in lines[5]


def test_the_sentence_quotes_the_strongest_then_memory_then_exactness() -> None:
    text = sentence(a_result())
    assert text.index("1.03 times as fast as Trainer, 2 sorted") < text.index("0.70 of") < text.index("6.50000")


def test_what_stands_between_the_marks_is_replaced_and_the_rest_kept() -> None:
    page = "before\n<!-- train.json -->\nold\n<!-- /train.json -->\nafter\n"
    assert with_text(page, "new") == "before\n<!-- train.json -->\nnew\n<!-- /train.json -->\nafter\n"


def test_the_pages_quote_the_committed_result() -> None:
    told = json.loads((ROOT / "bench/results/train.json").read_text())
    for name, text in texts(told).items():
        page = (ROOT / name).read_text()
        assert with_text(page, text) == page
        assert text in page
