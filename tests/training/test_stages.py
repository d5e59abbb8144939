"""Both stages as a user runs them: torchrun, two ranks, gloo, DeepSpeed ZeRO-2, on the CPU."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from idf.recipe import build_recipe
from idf.training.flops import shape_of
from idf.training.load import meta_model
from idf.training.memory import checkpoint_bytes, size_of
from idf.training.recipe import StageRecipe
from idf.training.whole import damage
from tests.sentences import line_that_says, says

from .elsewhere import read_alike
from .hub_layout import weights as weights_of
from .running import COMMON, HOOK, ROOT, history, imagery_recipe, losses, run, sentence


@pytest.fixture(scope="module")
def runs(tiny, tmp_path_factory):
    """Stage 1 then stage 2, each on two ranks; the folder, and what they printed."""
    folder = tmp_path_factory.mktemp("runs")
    both = {"deepspeed": "zero2", "gradient_checkpointing": True, "hook": HOOK}
    stage1 = imagery_recipe(tiny, run="stage1", **both)
    stage2 = {**COMMON, **both, "stage": "reasoning", "model": "./stage1/final", "run": "stage2"}
    stage2["data"] = str(tiny.traces.path)
    first = run("stage1.py", {**stage1, "wandb": True}, folder)
    assert first.returncode == 0, first.stderr[-3000:]
    second = run("stage2.py", {**stage2, "epochs": 2}, folder)
    assert second.returncode == 0, second.stderr[-3000:]
    return folder, first.stdout, second.stdout, stage1


def test_both_stages_train_and_say_how_it_goes(runs):
    folder, *printed, _ = runs
    for out in printed:
        found = losses(out)
        assert len(found) >= 3
        assert found[-1] < found[0]
        assert "tok/s/device" in out
    assert list((folder / "stage1" / "wandb").glob("offline-run-*")), "no offline run of wandb"


@pytest.mark.full  # test_elsewhere stands for it in CI
def test_checkpoints_are_read_by_three_versions_of_transformers(runs, tmp_path):
    read_alike([runs[0] / "stage1/checkpoint-2", runs[0] / "stage2/final"], tmp_path / "read")


def test_the_code_on_the_card_of_final_loads_it(runs, monkeypatch):
    final = runs[0] / "stage2/final"
    monkeypatch.chdir(final)
    card = ModelCard.load(final / "README.md")
    code = re.search(r"```python\n(.*?)```", card.text, flags=re.S)
    assert code is not None
    loaded: dict[str, Any] = {}
    exec(code[1], loaded)
    assert set(loaded["model"].state_dict()) >= {"lm_head.weight"}
    assert "| final | " in card.text
    assert damage(final) is None


def test_frozen_tensors_are_the_bases_bit_by_bit_and_all_names_too(tiny, runs):
    base = weights_of(tiny.model)
    for stage in ("stage1", "stage2"):
        final = weights_of(runs[0] / stage / "final")
        assert set(final) == set(base)
        changed = {name for name in base if not base[name].equal(final[name])}
        frozen = {name for name in base if name.startswith("visual.")}
        assert any("merger" in name for name in frozen)
        assert changed == set(base) - frozen


def test_a_checkpoint_takes_the_room_that_the_plan_counts(tiny, runs):
    folder, *_, recipe = runs
    shape = shape_of(vlm := meta_model(str(tiny.model)))
    weights, state = checkpoint_bytes(build_recipe(StageRecipe, recipe, "-"), size_of(vlm, shape, None))
    for name, planned in {"checkpoint-2": weights + state, "final": weights}.items():
        room = sum(path.stat().st_size for path in (folder / "stage1" / name).rglob("*") if path.is_file())
        assert planned < room < 1.1 * planned, name


def test_stage_2_begins_from_stage_1(runs):
    facts = json.loads((runs[0] / "stage2" / "final" / "idf.json").read_text())
    parent = json.loads((runs[0] / "stage1" / "final" / "idf.json").read_text())
    told = {"model": "./stage1/final", "revision": None, "stage": "imagery", "step": len(losses(runs[1]))}
    assert facts["parent"] == {**told, "facts": parent}
    assert facts["recipe"]["stage"] == "reasoning"
    assert len(facts["data"]["fingerprint"]) == 64


def test_every_checkpoint_answers_the_hooks_suite(runs):
    folder, first, _, _ = runs
    stage1 = folder / "stage1"
    steps = sorted(int(path.name.rpartition("-")[2]) for path in stage1.glob("checkpoint-*"))
    assert steps == list(range(2, len(losses(first)), 2))
    for checkpoint in [*(stage1 / f"checkpoint-{step}" for step in steps), stage1 / "final"]:
        assert weights_of(checkpoint)
        assert (checkpoint / "tokenizer.json").exists()
        results = json.loads((stage1 / "evaluations" / checkpoint.name / "results.json").read_text())
        assert results["worlds"]["cube_rolling"]["vtqa"]["all"]["n"] == 2
        assert f"evaluation of {checkpoint.relative_to(folder)}" in first
    assert (stage1 / "curves.png").stat().st_size > 10_000


def test_a_log_line_says_all_there_is_to_say(runs):
    folder, first, _, _ = runs
    (line,) = [line for line in first.splitlines() if line.startswith("step 2/")]
    assert re.match(r"step 2/\d+  epoch \d+\.\d\d/\d+  loss ", line)
    figures = r"loss \d+\.\d{4}  grad \d+\.\d+  lr \d\.\d+e-\d+  [\d,]+ label tokens  [\d,]+ tok/s/device"
    assert re.search(
        figures
        + r"  [\d.,]+ [GT]FLOP/s  data wait \d+\.\d%  \d+\.\d min left and \d+ saves and \d+ evaluations, ends after [-\d: ]+$",
        line,
    )
    last = [line for line in first.splitlines() if line.startswith("step ")][-1]
    assert re.search(r"  \d+\.\d min left, ends [-\d: ]+$", last), "saves and evaluations have been timed by then"
    rows = history(folder / "stage1")
    assert [f"{row['loss']:.4f}" for row in rows] == [f"{loss:.4f}" for loss in losses(first)]


def test_a_checkpoint_says_how_to_repeat_it(tiny, runs):
    folder = runs[0]
    code = "from idf.cli.main import main; import sys; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "reproduce", "stage2/final"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    commands = [line for line in done.stdout.splitlines() if line.startswith(("idf ", "torchrun "))]
    assert [command.split(" --recipe")[0] for command in commands] == [
        "idf imagery",
        "torchrun --nproc_per_node 2 launch/stage1.py",
        "idf traces",
        f"idf filter {tiny.traces.manifest['source']['folder']}",
        "torchrun --nproc_per_node 2 launch/stage2.py",
    ]
    # Run the part that makes stage 1's data, as a reader would: it checks the fingerprint itself.
    script = done.stdout.split("# Imagery-Distillation")[0].replace(str(tiny.imagery.path), "again")
    binaries = folder / "bin"
    binaries.mkdir()
    for name, run_it in {"idf": f'-c "{code}"', "python": ""}.items():
        (binaries / name).write_text(f'#!/bin/sh\nexec {sys.executable} {run_it} "$@"\n')
        (binaries / name).chmod(0o755)
    path = {"PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    made = subprocess.run(
        ["bash", "-c", script], cwd=folder, env={**os.environ, **path}, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr[-3000:]
    other = (
        script.replace("seed: 0", "seed: 1")
        .replace("--out again", "--out elsewhere")
        .replace("' again ", "' elsewhere ")
    )
    made = subprocess.run(["bash", "-c", other], cwd=folder, env={**os.environ, **path}, capture_output=True, text=True)
    assert made.returncode == 1
    line_that_says(made.stderr, "other data")


def test_a_finished_run_is_not_trained_again(runs):
    folder, _, _, recipe = runs
    again = run("stage1.py", recipe, folder, ranks=1)
    assert again.returncode == 1
    line_that_says(again.stderr, "finished", "already", "run=another/folder")


@pytest.mark.slow
def test_an_interrupted_run_with_zero_2_goes_on_to_the_same_weights(runs):
    folder, first, _, recipe = runs
    copy = folder / "resumed"
    shutil.copytree(folder / "stage1", copy)
    shutil.rmtree(copy / "final")
    for checkpoint in copy.glob("checkpoint-*"):
        if checkpoint.name != "checkpoint-2":
            checkpoint.rename(copy / f".saving-{checkpoint.name}")  # as a kill during a save would leave it
    done = run("stage1.py", {**recipe, "run": "resumed"}, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "resuming from" in done.stdout
    assert history(copy) == history(folder / "stage1")
    assert losses(done.stdout) == losses(first)[2:]
    whole, resumed = (weights_of(folder / name / "final") for name in ("stage1", "resumed"))
    assert all(whole[name].equal(resumed[name]) for name in whole)


# --- bad input: one clear sentence, exit status 1 ----------------------------------------------------------------


def refused(recipe: dict[str, Any], folder: Path, *more: str, script: str = "stage1.py") -> str:
    done = run(script, recipe, folder, *more, ranks=0)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return sentence(done)


@pytest.fixture
def recipe(tiny, tmp_path):
    return imagery_recipe(tiny, run="run")


def test_a_missing_dataset_names_the_command_that_makes_it(recipe, tmp_path):
    says(refused({**recipe, "data": "nowhere"}, tmp_path), "no dataset", "`idf imagery --out nowhere max_pixels=12544`")


def test_the_sentence_stands_in_torchruns_own_summary_at_the_end(recipe, tmp_path):
    done = run("stage1.py", {**recipe, "data": "nowhere"}, tmp_path)
    assert done.returncode == 1
    summary = done.stderr.rpartition(" FAILED")[2]
    assert summary, done.stderr
    assert summary.count("error: ") == 2, "both ranks'"
    says(summary, "nowhere", "idf imagery --out nowhere")


def test_an_unknown_key_names_the_nearest_right_one(recipe, tmp_path):
    says(refused({**recipe, "learning_rat": 1}, tmp_path), "unknown key", "learning_rat", "learning_rate")


def test_a_corrupt_shard_is_named(tiny, recipe, tmp_path):
    data = shutil.copytree(tiny.imagery.path, tmp_path / "data")
    shard = data / "train-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    says(refused({**recipe, "data": str(data)}, tmp_path), "train-00000.parquet", "corrupt")


def test_a_recipe_for_gpus_on_a_machine_without_one_points_at_the_quickstart_and_the_dry_run(recipe, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    line = refused({**recipe, "device": "gpu", "precision": "bf16", "deepspeed": "zero2"}, tmp_path)
    says(line, "GPU", "launch/quickstart.sh", "--dry-run")


def test_the_recipe_of_the_other_stage_is_refused(recipe, tmp_path):
    says(refused(recipe, tmp_path, script="stage2.py"), "stage 'imagery'", "launch/stage1.py")


def test_data_of_the_other_stage_and_unfiltered_candidates_are_refused(tiny, recipe, tmp_path):
    candidates = shutil.copytree(tiny.traces.path.parent / "candidates", tmp_path / "candidates")
    stage2 = {**recipe, "stage": "reasoning"}
    line = refused({**stage2, "data": str(candidates)}, tmp_path, "--dry-run", script="stage2.py")
    says(line, "filtered traces", "candidate traces", f"`idf filter {candidates} --out DIR`", "any_data=true")
    line = refused(stage2, tmp_path, script="stage2.py")
    says(line, "filtered traces", tiny.imagery.path, "imagery samples", "launch/stage1.py", "any_data=true")
    done = run("stage2.py", stage2, tmp_path, "--dry-run", "any_data=true", ranks=0)
    assert done.returncode == 0, done.stderr


def test_without_torchrun_it_says_how_to_start_it(recipe, tmp_path):
    says(refused(recipe, tmp_path), "torchrun --nproc_per_node 8 launch/stage1.py")


def test_a_run_that_was_begun_with_another_recipe_is_not_gone_on_with(runs):
    folder, _, _, recipe = runs
    shutil.copytree(folder / "stage1", folder / "other")
    shutil.rmtree(folder / "other" / "final")
    done = run("stage1.py", {**recipe, "run": "other", "learning_rate": 5e-4}, folder, ranks=1)
    assert done.returncode == 1
    line_that_says(done.stderr, "begun", "learning_rate=0.001", "not 0.0005")
    fewer = run("stage1.py", {**recipe, "run": "other"}, folder, ranks=1)
    assert fewer.returncode == 1
    says(sentence(fewer), "ranks=1 instead of 2", "resume=weights")


def test_rows_that_do_not_divide_over_the_ranks_are_refused(recipe, tmp_path):
    says(refused(recipe, tmp_path, "--dry-run", "rows_per_step=5"), "rows_per_step (5)", "multiple")


# --- dry run -----------------------------------------------------------------------------------------------------


def test_a_dry_run_of_the_papers_recipe_counts_parameters_and_steps(tiny, tmp_path):
    recipe = yaml.safe_load((ROOT / "recipes" / "stage1.yaml").read_text())
    done = run("stage1.py", recipe, tmp_path, "--dry-run", f"data={tiny.imagery.path}", ranks=0)
    assert done.returncode == 0, done.stderr
    line_that_says(done.stdout, "8.292 B", "0.677 B frozen", "7.616 B trainable")
    assert "steps: " in done.stdout
    line_that_says(done.stdout, "estimate", "tokenizer")


def test_a_dry_run_counts_the_steps_that_training_takes(tiny, runs):
    folder, first, _, recipe = runs
    done = run("stage1.py", recipe, folder, "--dry-run", ranks=0)
    assert done.returncode == 0, done.stderr
    assert f"steps: {len(losses(first))} " in done.stdout
    assert "exact" in done.stdout
