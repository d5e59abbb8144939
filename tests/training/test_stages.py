"""Both stages as a user runs them: torchrun, two ranks, gloo, DeepSpeed ZeRO-2, on the CPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file

ROOT = Path(__file__).parents[2]
HOOK = {
    "items": 2,
    "worlds": ["cube_rolling"],
    "difficulties": ["easy"],
    "modes": ["vtqa"],
    "prompts": "idf-short-1",
    "max_new_tokens": 8,
    "batch_size": 2,
}
COMMON: dict[str, Any] = {
    "device": "cpu",
    "gpus": 2,
    "precision": "fp32",
    "deepspeed": "zero2",
    "gradient_checkpointing": True,
    "learning_rate": 1e-3,
    "tokens_per_row": 768,
    "rows_per_micro_batch": 1,
    "rows_per_step": 4,
    "max_pixels": 12544,
    "save_steps": 2,
    "keep_checkpoints": 5,
    "log_steps": 1,
    "loader_workers": 0,
    "wandb": False,
    "hook": HOOK,
}


def run(
    script: str, recipe: dict[str, Any], folder: Path, *more: str, ranks: int = 2
) -> subprocess.CompletedProcess[str]:
    path = folder / f"{Path(recipe['run']).name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(ranks)]
    if ranks == 0:
        command = [sys.executable]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "WANDB_MODE": "offline"}
    return subprocess.run(
        [*command, str(ROOT / "launch" / script), "--recipe", str(path), *more],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )


def losses(out: str) -> list[float]:
    lines = [line for line in out.splitlines() if line.startswith("step ")]
    return [float(line.split("loss ")[1].split()[0]) for line in lines]


@pytest.fixture(scope="module")
def runs(tiny, tmp_path_factory):
    """Stage 1 then stage 2, each on two ranks; the folder, and what they printed."""
    folder = tmp_path_factory.mktemp("runs")
    stage1 = {**COMMON, "stage": "imagery", "model": str(tiny.model), "data": str(tiny.imagery.path), "run": "stage1"}
    stage2 = {**COMMON, "stage": "reasoning", "model": "./stage1/final", "data": str(tiny.traces.path), "run": "stage2"}
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


def test_a_final_checkpoint_loads_in_a_fresh_process(runs):
    code = (
        "from transformers import AutoModelForImageTextToText as M, AutoProcessor as P; import sys;"
        "m, info = M.from_pretrained(sys.argv[1], output_loading_info=True); P.from_pretrained(sys.argv[1]);"
        "assert not info['missing_keys'] and not info['unexpected_keys'], info; print(type(m).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(runs[0] / "stage2" / "final")], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "Qwen2_5_VLForConditionalGeneration"


def test_frozen_tensors_are_the_bases_bit_by_bit_and_all_names_too(tiny, runs):
    base = load_file(tiny.model / "model.safetensors")
    for stage in ("stage1", "stage2"):
        final = load_file(runs[0] / stage / "final" / "model.safetensors")
        assert set(final) == set(base)
        changed = {name for name in base if not base[name].equal(final[name])}
        frozen = {name for name in base if name.startswith("visual.")}
        assert any("merger" in name for name in frozen)
        assert changed == set(base) - frozen


def test_stage_2_begins_from_stage_1(runs):
    facts = json.loads((runs[0] / "stage2" / "final" / "idf.json").read_text())
    assert facts["parent"] == {"model": "./stage1/final", "stage": "imagery", "step": len(losses(runs[1]))}
    assert facts["recipe"]["stage"] == "reasoning"
    assert len(facts["data"]["fingerprint"]) == 64


def test_every_checkpoint_answers_the_hooks_suite(runs):
    folder, first, _, _ = runs
    steps = sorted(int(path.name.rpartition("-")[2]) for path in (folder / "stage1").glob("checkpoint-*"))
    assert steps == [*range(2, len(losses(first)), 2), len(losses(first))]
    checkpoints = [*(folder / "stage1" / f"checkpoint-{step}" for step in steps), folder / "stage1" / "final"]
    for checkpoint in checkpoints:
        assert (checkpoint / "model.safetensors").exists()
        assert (checkpoint / "tokenizer.json").exists()
        if checkpoint == checkpoints[-2]:  # the weights of final/, which is evaluated in its place
            continue
        results = json.loads((checkpoint / "evaluation" / "results.json").read_text())
        assert results["worlds"]["cube_rolling"]["vtqa"]["all"]["n"] == 2
        assert len((checkpoint / "evaluation" / "samples.jsonl").read_text().splitlines()) == 2
    state = json.loads((checkpoints[-2] / "trainer_state.json").read_text())
    assert any("loss" in entry for entry in state["log_history"])


def test_a_finished_run_is_not_trained_again(runs):
    folder, _, _, recipe = runs
    again = run("stage1.py", recipe, folder, ranks=1)
    assert again.returncode == 1
    assert "finished already" in again.stderr


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(runs):
    folder, first, _, recipe = runs
    copy = folder / "resumed"
    shutil.copytree(folder / "stage1", copy)
    shutil.rmtree(copy / "final")
    for checkpoint in copy.glob("checkpoint-*"):
        if checkpoint.name != "checkpoint-2":
            (checkpoint / "done").unlink()  # as a kill during a save would leave it
    done = run("stage1.py", {**recipe, "run": "resumed"}, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "resuming from" in done.stdout
    assert losses(done.stdout) == losses(first)[2:]
    whole, resumed = (load_file(folder / name / "final" / "model.safetensors") for name in ("stage1", "resumed"))
    assert all(whole[name].equal(resumed[name]) for name in whole)


@pytest.mark.slow
def test_ranks_and_zero_change_nothing_in_the_loss(tiny, runs):
    # One rank without DeepSpeed that accumulates four rows, against two ranks of ZeRO-2 that accumulate two.
    folder, first, _, recipe = runs
    done = run("stage1.py", {**recipe, "run": "alone", "deepspeed": None, "hook": {"mode": "off"}}, folder, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    assert losses(done.stdout) == pytest.approx(losses(first), abs=2e-4)


@pytest.mark.slow
def test_zero_3_trains_the_same_and_exports_all_weights(tiny, runs):
    # Rows of one or two samples: at some steps one rank has a picture and the other has none.
    folder, first, _, recipe = runs
    done = run("stage1.py", {**recipe, "run": "zero3", "deepspeed": "zero3"}, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert losses(done.stdout) == pytest.approx(losses(first), abs=2e-4)
    base, final = (load_file(path / "model.safetensors") for path in (tiny.model, folder / "zero3" / "final"))
    assert set(final) == set(base)
    assert {name for name in base if base[name].equal(final[name])} == {n for n in base if n.startswith("visual.")}


# --- bad input: one clear sentence, exit status 1 ----------------------------------------------------------------


def refused(recipe: dict[str, Any], folder: Path, *more: str, script: str = "stage1.py") -> str:
    done = run(script, recipe, folder, *more, ranks=0)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return line


@pytest.fixture
def recipe(tiny, tmp_path):
    return {**COMMON, "stage": "imagery", "model": str(tiny.model), "data": str(tiny.imagery.path), "run": "run"}


def test_a_missing_dataset_names_the_command_that_makes_it(recipe, tmp_path):
    assert "idf imagery --out nowhere" in refused({**recipe, "data": "nowhere"}, tmp_path)


def test_an_unknown_key_names_the_nearest_right_one(recipe, tmp_path):
    assert "unknown key learning_rat; did you mean learning_rate?" in refused({**recipe, "learning_rat": 1}, tmp_path)


def test_a_corrupt_shard_is_named(tiny, recipe, tmp_path):
    data = shutil.copytree(tiny.imagery.path, tmp_path / "data")
    shard = data / "train-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    assert "train-00000.parquet is corrupt" in refused({**recipe, "data": str(data)}, tmp_path)


def test_a_recipe_for_gpus_on_a_machine_without_one_points_at_the_quickstart_and_the_dry_run(recipe, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    line = refused({**recipe, "device": "gpu", "precision": "bf16"}, tmp_path)
    assert "launch/quickstart.sh" in line
    assert "--dry-run" in line


def test_the_recipe_of_the_other_stage_is_refused(recipe, tmp_path):
    assert "run it with launch/stage1.py" in refused(recipe, tmp_path, script="stage2.py")


def test_without_torchrun_it_says_how_to_start_it(recipe, tmp_path):
    assert "start it with torchrun" in refused(recipe, tmp_path)


def test_a_run_that_was_begun_with_another_recipe_is_not_gone_on_with(runs):
    folder, _, _, recipe = runs
    shutil.copytree(folder / "stage1", folder / "other")
    shutil.rmtree(folder / "other" / "final")
    done = run("stage1.py", {**recipe, "run": "other", "learning_rate": 5e-4}, folder, ranks=1)
    assert done.returncode == 1
    assert "was begun with learning_rate=0.001, not 0.0005" in done.stderr
    fewer = run("stage1.py", {**recipe, "run": "other"}, folder, ranks=1)
    assert fewer.returncode == 1
    assert "was begun with ranks=2, not 1" in fewer.stderr


def test_rows_that_do_not_divide_over_the_ranks_are_refused(recipe, tmp_path):
    assert "rows_per_step (5) must be a multiple" in refused(recipe, tmp_path, "--dry-run", "rows_per_step=5")


# --- dry run -----------------------------------------------------------------------------------------------------


def test_a_dry_run_of_the_papers_recipe_counts_parameters_and_steps(tiny, tmp_path):
    recipe = yaml.safe_load((ROOT / "recipes" / "stage1.yaml").read_text())
    done = run("stage1.py", recipe, tmp_path, "--dry-run", f"data={tiny.imagery.path}", ranks=0)
    assert done.returncode == 0, done.stderr
    assert "8.292 B in all, 0.677 B frozen, 7.616 B trainable" in done.stdout
    assert "steps: " in done.stdout
    assert "an estimate" in done.stdout


def test_a_dry_run_counts_the_steps_that_training_takes(tiny, runs):
    folder, first, _, recipe = runs
    done = run("stage1.py", recipe, folder, "--dry-run", ranks=0)
    assert done.returncode == 0, done.stderr
    assert f"steps: {len(losses(first))} " in done.stdout
    assert "exact" in done.stdout
