"""The study from pretrained weights end to end, with a tiny model in the place of the pretrained one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.pretrained._recipe import ROOT
from idf.data import open_dataset
from idf.imagery import ImageryRecipe, build_imagery
from idf.training.tiny import make_tiny_model
from tests.sentences import says

pytestmark = [pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(1800)]
SMALL = (
    *("seeds=[1]", "budgets=[2, 4]", "parts=[smaller]", "items=6", "longer_items=3", "walks=2", "samples=40"),
    *("max_new_tokens=8", "learned=0.0"),
)


def study(folder: Path, *more: str) -> str:
    words = [sys.executable, "-m", "bench.pretrained", f"work={folder}/work", f"results={folder}/results"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run([*words, *SMALL, *more], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_it_runs_in_sessions_and_runs_nothing_twice(tmp_path):
    build_imagery(ImageryRecipe(samples=40, worlds={"cube_rolling": 1}, modes={"tqa": 1}), tmp_path / "texts")
    base = tmp_path / "work/base/seed0"
    make_tiny_model([open_dataset(tmp_path / "texts", made_by="-")], base)
    (base / "NOTICE.txt").write_text("a tiny model")
    says(study(tmp_path, "--hours", "0.02"), "0 of 1 arms", "0 of the 1 others")  # not even one arm fits
    plan = (tmp_path / "results/plan.json").read_text()
    assert not (tmp_path / "results/seed1.json").exists()
    study(tmp_path, "--hours", "0.03")
    first = json.loads((tmp_path / "results/seed1.json").read_text())
    assert set(first) == {"imagery-2"}
    shutil.rmtree(tmp_path / "work/runs")  # lost with the session; so are evaluations
    shutil.rmtree(tmp_path / "work/evaluations")
    says(study(tmp_path), "stage 1 is learned", "0 of 3 arms")
    found = json.loads((tmp_path / "results/seed1.json").read_text())
    assert set(found) == {"imagery-2", "imagery-1", "imagery-1-then-traces-1", "traces-2"}
    assert found["imagery-2"] == first["imagery-2"]
    assert not (tmp_path / "work/runs/imagery-2-seed1").exists()
    for name, updates in (("imagery-1", 1), ("imagery-1-then-traces-1", 1), ("traces-2", 2)):
        one = found[name]
        assert one["updates"] == updates
        assert len(one["causes"]) == len(one["rolls"]) == len(one["tokens_of_answers"]) == 9
        assert one["cpu_seconds"]["training"] > 0
        assert ("walks" in one) == (name == "imagery-1")
    assert len(found["imagery-1"]["walks"]["steps"]) == 2
    assert (tmp_path / "results/plan.json").read_text() == plan
    says(study(tmp_path, "--report"), "Is stage 1 learned?", "imagery, then traces minus traces only")
    says(study(tmp_path), "3 of 3 arms")
