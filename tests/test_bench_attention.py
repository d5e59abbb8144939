"""bench/attention.py at its smallest size, and the committed result that the docs quote."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.full
def test_both_ways_are_measured_and_compute_the_same_loss(tmp_path: Path) -> None:
    out = tmp_path / "attention.json"
    command = [sys.executable, str(ROOT / "bench/attention.py"), "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for model in json.loads(out.read_text())["models"].values():
        for found in model["rows_of"].values():
            assert found["loss"]["packed"] == pytest.approx(found["loss"]["sdpa"], rel=1e-5)
            assert all(parts["whole"] > 0 for parts in found["cpu_seconds"].values())


def test_the_table_of_attention_is_that_of_the_committed_result() -> None:
    models = json.loads((ROOT / "bench/results/attention.json").read_text())["models"]
    page = (ROOT / "docs/training.md").read_text()
    table = re.findall(r"^\| (bench|tiny), rows of ([\d,]+) \| (.*) \|$", page, re.MULTILINE)
    assert len(table) == 4
    for name, length, cells in table:
        found = models[name]["rows_of"][length.replace(",", "")]
        of = found["cpu_seconds"]
        spread = ", ".join(f"{ratio:.2f}" for ratio in found["whole_times_as_fast_passes"])
        wanted = [f"{of['sdpa']['whole']:.2f}", f"{of['packed']['whole']:.2f}"]
        assert cells.split(" | ") == [*wanted, f"{found['whole_times_as_fast']:.2f} ({spread})"]
