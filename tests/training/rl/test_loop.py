"""`idf loop` with stage 3, from end to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from idf.training.checkpoint import read_facts
from tests.sentences import says

ROOT = Path(__file__).parents[3]


def loop(recipe: dict, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "loop.yaml"
    path.write_text(yaml.safe_dump(recipe))
    code = "import sys; from idf.cli.main import main; main(['loop', '--recipe', sys.argv[1]])"
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
    return subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=500,
    )


@pytest.fixture
def recipe(halfway, tmp_path) -> dict:
    stage3 = halfway.recipe(steps=2, samples=4, prompts_per_step=4)
    (tmp_path / "stage3.yaml").write_text(yaml.safe_dump(stage3))
    return {
        "model": str(halfway.model),
        "out": "loop",
        "rounds": 1,
        "worlds": ["cube_rolling"],
        "difficulties": ["easy"],
        "items": 4,
        "probe": {"problems": 4, "samples": 1, "share": 0.1},
        "traces": {"problems": 40, "modes": {"tqa": 1}, "prompts": {"idf-short-1": 1}, "max_pixels": 12544},
        "train": {"stage": "stage3", "recipe": str(tmp_path / "stage3.yaml"), "nproc": 1, "updates": 3},
        "evaluation": {"modes": ["tqa"], "prompts": "idf-short-1", "max_new_tokens": 120},
    }


@pytest.mark.slow
@pytest.mark.full
def test_a_round_of_stage_3_trains_on_the_drawn_problems(recipe, tmp_path):
    done = loop(recipe, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    facts = read_facts(tmp_path / "loop" / "round-1" / "train" / "final")
    assert facts is not None
    assert (facts["stage"], facts["step"]) == ("reinforcement", 3)
    assert facts["parent"]["model"] == recipe["model"]
    told = json.loads((tmp_path / "loop" / "rounds.json").read_text())
    assert json.dumps(told).count("accuracy") >= 2


def test_a_recipe_of_another_stage_is_refused(recipe, tmp_path):
    recipe["train"] = {"stage": "stage3", "recipe": "idf:quickstart/stage2.yaml", "nproc": 2}
    done = loop(recipe, tmp_path)
    assert done.returncode != 0
    says(done.stderr, "train.recipe", "reasoning", "stage: reinforcement")
