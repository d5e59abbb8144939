from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from idf.cli.main import main
from idf.errors import UserError
from idf.recipe import read_recipe
from idf.training.plan import plan
from idf.training.recipe import HookRecipe, LoraRecipe, StageRecipe
from idf.training.stage import dry_run

PAPERS = Path(__file__).parents[2] / "recipes" / "stage1.yaml"
PRESETS = ["none, fp32", "zero1", "zero2", "zero3", "zero2_offload", "zero3_offload"]


@pytest.fixture
def recipe(tiny) -> StageRecipe:
    return replace(read_recipe(StageRecipe, PAPERS), data=str(tiny.imagery.path))


def said(capsys, *arguments: str) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of `idf plan`."""
    with pytest.raises(SystemExit) as ended:
        main(["plan", *arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_the_papers_recipe_fits_and_every_preset_has_a_row(tiny, capsys):
    status, out, _ = said(capsys, "--recipe", str(PAPERS), "--data", str(tiny.imagery.path))
    assert status == 0
    lines = out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.split()[:1] == ["preset"]) + 1
    assert [line[2:].split("  ")[0].strip() for line in lines[first : first + 6]] == PRESETS
    assert [line[2:].split()[0] for line in lines if line.startswith("* zero")] == ["zero2"]
    assert "arithmetic and not measured" in out
    assert "40% of 312 TFLOP/s (A100, dense bf16)" in out
    assert "8.292 B in all, 0.677 B frozen, 7.616 B trainable" in out
    assert "an estimate" in out


def test_the_columns_add_up(recipe):
    line = next(line for line in plan(recipe).text.splitlines() if line.startswith("* zero2"))
    *states, kept, layer, logits, training = (float(cell) for cell in line.split()[2:10])
    assert sum(states) + kept + max(layer, logits) == pytest.approx(training, abs=0.3)


def test_a_plan_says_what_a_dry_run_says(recipe, capsys):
    dry_run(recipe)
    assert plan(recipe).text.startswith(capsys.readouterr().out.rstrip("\n"))


def test_lengths_are_exact_where_the_processor_is(tiny, recipe):
    text = plan(replace(recipe, model=str(tiny.model))).text
    assert "(exact)" in text
    assert "estimate" not in text


def test_what_does_not_fit_ends_with_status_1_and_the_nearest_change(tiny, capsys):
    common = ("--recipe", str(PAPERS), "--data", str(tiny.imagery.path), "--gpu-memory", "48")
    status, out, err = said(capsys, *common)
    assert status == 1
    assert "* zero2" in out  # the table comes first
    assert err.startswith("idf: error: zero2 on 8 GPUs needs ")
    assert "in the hook" in err
    assert err.endswith("it fits with hook.mode=watch\n")
    assert said(capsys, *common, "hook.mode=watch")[0] == 0


@pytest.mark.parametrize(
    ("changes", "memory", "advice"),
    [
        ({}, 32, "it fits with deepspeed=zero3"),
        ({"gpus": 1}, 80, "it fits with deepspeed=zero2_offload, which takes 137 GB of CPU memory for each GPU"),
        ({"lora": LoraRecipe(), "gpus": 1}, 24, "it fits with deepspeed=zero2_offload, which takes 3 GB"),
    ],
)
def test_another_preset_comes_first(recipe, changes, memory, advice):
    assert advice in plan(replace(recipe, hook=HookRecipe(mode="watch"), **changes), memory).advice


def test_more_gpus_come_second_with_rows_that_divide(recipe, monkeypatch):
    # As if nothing could be offloaded.
    monkeypatch.setattr("idf.training.plan.PRESETS", ("zero1", "zero2", "zero3"))
    large = replace(recipe, model="Qwen/Qwen2.5-VL-72B-Instruct", deepspeed="zero3", hook=HookRecipe(mode="watch"))
    advice = plan(large).advice
    assert advice.endswith("it fits with gpus=32 rows_per_step=32")
    assert plan(replace(large, gpus=32, rows_per_step=32)).fits


def test_shorter_rows_and_adapters_come_last(recipe, monkeypatch):
    monkeypatch.setattr("idf.training.plan.PRESETS", ("zero2",))
    watched = replace(recipe, hook=HookRecipe(mode="watch"), gpus=1, rows_per_step=1)
    monkeypatch.setattr("idf.training.plan._MOST_GPUS", 1)
    assert "it fits with lora.rank=64 (adapters instead of full fine-tuning)" in plan(watched).advice
    long = replace(watched, lora=LoraRecipe(), tokens_per_row=32768, attention="flash_attention_2")
    advice = plan(long, 32).advice
    assert "tokens_per_row=" in advice
    shorter = int(advice.split("tokens_per_row=")[1].split()[0])
    assert plan(replace(long, tokens_per_row=shorter), 32).fits


def test_no_fit_at_all_is_said(recipe):
    assert "makes it fit" in plan(replace(recipe, model="Qwen/Qwen2.5-VL-72B-Instruct"), 2).advice


def test_twice_the_gpus_take_half_the_time(recipe):
    def minutes(made: StageRecipe) -> float:
        line = next(line for line in plan(made, 1000).text.splitlines() if line.startswith("time:"))
        return float(line.split()[1])

    long = replace(recipe, epochs=4000)
    assert minutes(long) == pytest.approx(2 * minutes(replace(long, gpus=16)), rel=0.05)  # two digits are printed


def test_the_peak_is_named(recipe):
    assert "989 TFLOP/s (NVIDIA H200, dense bf16)" in plan(recipe, 141, gpu="NVIDIA H200").text
    assert "500 TFLOP/s (as given)" in plan(recipe, peak=500).text
    assert "280 TFLOP/s (the recipe's peak_tflops)" in plan(replace(recipe, peak_tflops=280)).text


def test_bad_numbers_are_refused(recipe):
    for match, options in {
        "--gpu-memory must be above zero": {"gpu_memory": 0},
        "--mfu is a share": {"mfu": 40},
        "--peak-tflops must be above zero": {"peak": -1},
        "the GPU 'Voodoo 2' is not known": {"gpu": "Voodoo 2"},
    }.items():
        with pytest.raises(UserError, match=match):
            plan(recipe, **options)


def test_missing_data_names_the_command_that_makes_it(capsys):
    status, _, err = said(capsys, "--recipe", str(PAPERS), "--data", "nowhere")
    assert (status, "idf imagery --out nowhere" in err) == (1, True)


def test_rows_that_do_not_divide_are_refused_before_the_data_is_read(capsys):
    status, _, err = said(capsys, "--recipe", str(PAPERS), "--data", "nowhere", "--gpus", "5")
    assert status == 1
    assert "rows_per_step (16) must be a multiple" in err


def test_the_sample_that_is_longer_than_a_row_is_refused(recipe):
    with pytest.raises(UserError, match="the longest sample has"):
        plan(replace(recipe, tokens_per_row=64))


def test_a_recipe_of_another_kind_is_refused(tmp_path, capsys):
    other = tmp_path / "imagery.yaml"
    other.write_text(yaml.safe_dump({"samples": 5}))
    assert said(capsys, "--recipe", str(other))[0] == 1
