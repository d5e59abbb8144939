"""The configs of XTuner say what the recipes of idf's own engine say; read here as text, since XTuner is not installed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from idf.recipe import build_recipe, read_recipe, to_plain
from idf.training.recipe import StageRecipe
from tests.integrations.xtuner_env import CONFIGS, ROOT

ALL = sorted(CONFIGS.rglob("*.py"))
PART_2 = "#                           PART 2  Model"


def settings(config: Path) -> dict[str, Any]:
    """The names that PART 1 of a config defines: plain values, no imports."""
    names: dict[str, Any] = {}
    part = config.read_text().split("PART 1  Settings")[1].split(PART_2)[0]
    exec(part.split("\n", 2)[2].rpartition("####")[0].rstrip("#\n"), names)
    return names


def test_there_is_a_config_for_each_stage_at_both_sizes():
    assert [str(path.relative_to(CONFIGS)) for path in ALL] == [
        "stage1.py",
        "stage2.py",
        "tiny/stage1.py",
        "tiny/stage2.py",
    ]


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_the_papers_run_is_that_of_the_recipe(stage):
    ours = to_plain(read_recipe(StageRecipe, ROOT / "recipes" / f"{stage}.yaml"))
    theirs = to_plain(build_recipe(StageRecipe, settings(CONFIGS / f"{stage}.py")["recipe"], stage))
    assert {key for key in ours if ours[key] != theirs[key]} <= {"run", "model", "wandb", "hook"}
    assert theirs["run"] == f"checkpoints/xtuner-{stage}"
    assert theirs["model"] == ("checkpoints/xtuner-stage1/final" if stage == "stage2" else ours["model"])
    assert theirs["hook"] == ours["hook"] | {"mode": "watch"}


@pytest.mark.parametrize("config", ALL, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_config_is_checked_and_its_rows_divide(config):
    names = settings(config)
    recipe = build_recipe(StageRecipe, names["recipe"], str(config))
    assert recipe.accumulation_steps(names["devices"]) == names["accumulative_counts"]


def test_configs_differ_in_their_settings_alone():
    assert len({path.read_text().split(PART_2)[1] for path in ALL}) == 1
