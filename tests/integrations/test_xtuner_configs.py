"""The configs of XTuner say what the recipes of idf's own engine say; XTuner is not installed here, and they do not need it."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idf.errors import UserError
from idf.integrations.xtuner import BASES, Settings, config
from idf.recipe import build_recipe, read_recipe, to_plain
from idf.training.recipe import StageRecipe
from tests.integrations.xtuner_env import CONFIGS, ROOT

ALL = sorted(CONFIGS.rglob("*.py"))
OWN = {"stage": "imagery", "pretrained_model_name_or_path": "m", "data_path": "d", "work_dir": "w", "max_epochs": 1.0}
"""The settings that have no default."""


def names(path: Path) -> dict[str, Any]:
    """The names of a config."""
    return runpy.run_path(str(path))


def said(path: Path) -> dict[str, Any]:
    """The settings that a config states itself."""
    (call,) = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "config"
    ]
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


@pytest.fixture(autouse=True)
def own_excepthook(monkeypatch: pytest.MonkeyPatch) -> None:
    """A config turns user errors into sentences, in the process that reads it; here that process is ours."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


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
    theirs = to_plain(build_recipe(StageRecipe, names(CONFIGS / f"{stage}.py")["recipe"], stage))
    assert {key for key in ours if ours[key] != theirs[key]} <= {"run", "model", "wandb", "hook", "attention"}
    assert (ours["attention"], theirs["attention"]) == ("packed", "sdpa"), "packed needs transformers 5"
    assert theirs["run"] == f"checkpoints/xtuner-{stage}"
    assert theirs["model"] == ("checkpoints/xtuner-stage1/final" if stage == "stage2" else ours["model"])
    assert theirs["hook"] == ours["hook"] | {"mode": "watch"}


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_config_is_checked_and_its_rows_divide(path):
    made = names(path)
    recipe = build_recipe(StageRecipe, made["recipe"], str(path))
    assert recipe.accumulation_steps(made["devices"]) == made["accumulative_counts"]


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_config_says_what_is_its_own_and_no_more(path):
    own = said(path)
    assert own.pop("base", "paper") == ("tiny" if path.parent.name == "tiny" else "paper")
    assert set(own) == set(OWN)
    assert {key: names(path)[key] for key in own} == own


def test_a_base_changes_what_it_names():
    default = to_plain(Settings(**OWN))
    for name, base in BASES.items():
        made = config(name, **OWN)
        assert {key: made[key] for key in default} == default | base
        assert all(default[key] != value for key, value in base.items())


def test_a_setting_reaches_every_part_that_needs_it():
    made = config(
        **OWN | {"lr": 3e-4, "betas": [0.8, 0.9], "max_norm": 0.5, "save_steps": 7, "accumulative_counts": 5, "seed": 9}
    )
    recipe = made["recipe"]
    assert (recipe["learning_rate"], recipe["betas"], recipe["max_grad_norm"]) == (3e-4, [0.8, 0.9], 0.5)
    assert (recipe["save_steps"], recipe["seed"]) == (7, 9)
    wrapper = made["optim_wrapper"]
    assert (wrapper["optimizer"]["lr"], wrapper["optimizer"]["betas"]) == (3e-4, [0.8, 0.9])
    assert (wrapper["clip_grad"]["max_norm"], wrapper["accumulative_counts"]) == (0.5, 5)
    assert made["default_hooks"]["checkpoint"]["interval"] == 35, "mmengine counts micro-batches"
    assert made["randomness"]["seed"] == 9
    parts = [made["model"], made["train_dataloader"]["dataset"], *made["param_scheduler"], *made["custom_hooks"]]
    assert [part["recipe"] for part in parts if "recipe" in part] == [recipe] * 5


@pytest.mark.parametrize(
    ("base", "change", "sentence"),
    [
        ("paper", {"max_epoch": 2.0}, "the XTuner config: unknown key max_epoch; did you mean max_epochs?"),
        ("paper", {"lr": "fast"}, "the XTuner config: lr must be a number, not 'fast'"),
        ("tinny", {}, "tiny"),
    ],
)
def test_a_wrong_setting_is_named(base, change, sentence):
    with pytest.raises(UserError) as refused:
        config(base, **OWN | change)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_configs_need_none_of_xtuner():
    code = (
        f"import runpy, sys; runpy.run_path({str(ALL[0])!r}); print(sorted({{'torch', 'mmengine'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
