from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from idf.cli.main import main
from idf.recipe import read_recipe
from idf.training.plan import plan
from idf.training.recipe import HookRecipe, LoraRecipe, StageRecipe
from idf.training.stage import dry_run
from tests.sentences import line_that_says, refused, says

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
    line_that_says(out, "memory", "GPU", "not measured")
    line_that_says(out, "40%", "312 TFLOP/s", "A100", "bf16")
    line_that_says(out, "8.292 B", "0.677 B frozen", "7.616 B trainable")
    line_that_says(out, "estimate", "tokenizer")


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
    assert err.startswith("idf: error: ")
    says(err, "zero2", "8 GPUs", "hook")
    assert err.endswith(" hook.mode=watch\n")
    assert said(capsys, *common, "hook.mode=watch")[0] == 0


@pytest.mark.parametrize(
    ("changes", "memory", "advice"),
    [
        ({}, 32, ("fits with", "deepspeed=zero3")),
        ({"gpus": 1}, 80, ("fits with", "deepspeed=zero2_offload", "137 GB", "CPU memory")),
        ({"lora": LoraRecipe(), "gpus": 1}, 24, ("fits with", "deepspeed=zero2_offload", "3 GB", "CPU memory")),
    ],
)
def test_another_preset_comes_first(recipe, changes, memory, advice):
    says(plan(replace(recipe, hook=HookRecipe(mode="watch"), **changes), memory).advice, *advice)


def test_more_gpus_come_second_with_rows_that_divide(recipe, monkeypatch):
    # As if nothing could be offloaded.
    monkeypatch.setattr("idf.training.plan.PRESETS", ("zero1", "zero2", "zero3"))
    large = replace(recipe, model="Qwen/Qwen2.5-VL-72B-Instruct", deepspeed="zero3", hook=HookRecipe(mode="watch"))
    advice = plan(large).advice
    assert advice.endswith(" gpus=32 rows_per_step=32")
    assert plan(replace(large, gpus=32, rows_per_step=32)).fits


def test_shorter_rows_and_adapters_come_last(recipe, monkeypatch):
    monkeypatch.setattr("idf.training.plan.PRESETS", ("zero2",))
    watched = replace(recipe, hook=HookRecipe(mode="watch"), gpus=1, rows_per_step=1)
    monkeypatch.setattr("idf.training.plan._MOST_GPUS", 1)
    says(plan(watched).advice, "fits with", "lora.rank=64", "adapters")
    long = replace(watched, lora=LoraRecipe(), tokens_per_row=32768, attention="flash_attention_2")
    advice = plan(long, 32).advice
    assert "tokens_per_row=" in advice
    shorter = int(advice.split("tokens_per_row=")[1].split()[0])
    assert plan(replace(long, tokens_per_row=shorter), 32).fits


def test_no_fit_at_all_is_said(recipe):
    advice = plan(replace(recipe, model="Qwen/Qwen2.5-VL-72B-Instruct"), 2).advice
    says(advice, "no preset", "GPUs", "shorter row", "adapter", "fit")
    assert "fits with" not in advice


def test_twice_the_gpus_take_half_the_time(recipe):
    def minutes(made: StageRecipe) -> float:
        line = next(line for line in plan(made, 1000).text.splitlines() if line.startswith("time:"))
        return float(line.split()[1])

    long = replace(recipe, epochs=4000)
    assert minutes(long) == pytest.approx(2 * minutes(replace(long, gpus=16)), rel=0.05)  # two digits are printed


def test_the_peak_is_named(recipe):
    line_that_says(plan(recipe, 141, gpu="NVIDIA H200").text, "989 TFLOP/s", "NVIDIA H200", "bf16")
    line_that_says(plan(recipe, peak=500).text, "500 TFLOP/s", "given")
    line_that_says(plan(replace(recipe, peak_tflops=280)).text, "280 TFLOP/s", "recipe", "peak_tflops")


def test_bad_numbers_are_refused(recipe):
    for words, options in {
        ("--gpu-memory", "above zero", 0): {"gpu_memory": 0},
        ("--mfu", "share", 1, 40): {"mfu": 40},
        ("--peak-tflops", "above zero", -1): {"peak": -1},
        ("GPU", "'Voodoo 2'", "not known", "--peak-tflops"): {"gpu": "Voodoo 2"},
    }.items():
        with refused(*words):
            plan(recipe, **options)


def test_missing_data_names_the_command_that_makes_it(capsys):
    status, _, err = said(capsys, "--recipe", str(PAPERS), "--data", "nowhere")
    assert status == 1
    says(err, "`idf imagery --out nowhere`")


def test_rows_that_do_not_divide_are_refused_before_the_data_is_read(capsys):
    status, _, err = said(capsys, "--recipe", str(PAPERS), "--data", "nowhere", "--gpus", "5")
    assert status == 1
    says(err, "rows_per_step (16)", "multiple", 5)


def test_the_sample_that_is_longer_than_a_row_is_refused(recipe):
    with refused("longest sample", "tokens_per_row", 64):
        plan(replace(recipe, tokens_per_row=64))


def test_a_recipe_of_another_kind_is_refused(tmp_path, capsys):
    other = tmp_path / "imagery.yaml"
    other.write_text(yaml.safe_dump({"samples": 5}))
    assert said(capsys, "--recipe", str(other))[0] == 1
