from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from idf.cli.main import main
from idf.recipe import read_recipe
from idf.training.estimate import estimate
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
    line = next(line for line in estimate(recipe).text.splitlines() if line.startswith("* zero2"))
    *states, kept, layer, logits, training = (float(cell) for cell in line.split()[2:10])
    assert sum(states) + kept + max(layer, logits) == pytest.approx(training, abs=0.3)


def test_a_plan_says_what_a_dry_run_says(recipe, capsys):
    dry_run(recipe)
    assert estimate(recipe).text.startswith(capsys.readouterr().out.rstrip("\n"))


def test_lengths_are_exact_where_the_processor_is(tiny, recipe):
    text = estimate(replace(recipe, model=str(tiny.model))).text
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
        ({"lora": LoraRecipe(), "gpus": 1}, 24, ("fits with", "deepspeed=zero2_offload", "3 GB", "CPU memory")),
    ],
)
def test_another_preset_comes_first(recipe, changes, memory, advice):
    says(estimate(replace(recipe, hook=HookRecipe(mode="watch"), **changes), memory).advice, *advice)


def test_more_gpus_come_second_with_rows_that_divide(recipe, monkeypatch):
    # As if nothing could be offloaded.
    monkeypatch.setattr("idf.training.estimate.PRESETS", ("zero1", "zero2", "zero3"))
    large = replace(recipe, model="Qwen/Qwen2.5-VL-72B-Instruct", deepspeed="zero3", hook=HookRecipe(mode="watch"))
    advice = estimate(large).advice
    assert advice.endswith(" gpus=32 rows_per_step=32")
    assert estimate(replace(large, gpus=32, rows_per_step=32)).fits


@pytest.mark.parametrize(
    ("hook", "memory", "advice"),
    [
        ("inline", 80, ("--recipe idf:1gpu-80gb/stage1.yaml",)),
        (
            "watch",
            24,
            ("--recipe idf:lora-24gb/stage1.yaml", "`idf imagery --out data/imagery-small max_pixels=401408`"),
        ),
        ("off", 141, ("deepspeed=zero3",)),
    ],
)
def test_one_gpu_is_told_of_adapters_before_cpu_memory_and_never_to_watch(recipe, hook, memory, advice):
    alone = estimate(replace(recipe, gpus=1, hook=replace(recipe.hook, mode=hook)), memory)
    says(alone.advice, "fits with", *advice)
    assert "watch" not in alone.advice
    assert not any(f"{host} GB of CPU memory" in alone.advice for host in (137, 152, 154))


def test_one_gpu_without_room_for_the_hook_turns_it_off(recipe):
    adapters = replace(recipe, gpus=1, lora=LoraRecipe())
    assert estimate(replace(adapters, hook=replace(recipe.hook, mode="off")), 32).fits
    assert estimate(adapters, 32).advice.endswith("fits with hook.mode=off")


def test_stage_2_is_planned_before_stage_1_has_run(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stage2 = PAPERS.with_name("stage2.yaml")
    status, out, err = said(capsys, "--recipe", str(stage2), "--data", str(tiny.traces.path))
    assert status == 0, err
    line_that_says(out, "checkpoints/stage1/final", "not there yet", "Qwen/Qwen2.5-VL-7B-Instruct", PAPERS)
    line_that_says(out, "8.292 B", "7.616 B trainable")
    monkeypatch.setattr("sys.argv", ["-"])
    dry_run(replace(read_recipe(StageRecipe, stage2), data=str(tiny.traces.path)), stage2)
    assert out.startswith(capsys.readouterr().out.rstrip("\n"))
    status, _, err = said(capsys, "--recipe", str(stage2), "--data", str(tiny.traces.path), "model=checkpoints/x/final")
    assert status == 1  # no recipe beside it ends there
    says(err, "no model", "checkpoints/x/final")


def test_the_disk_holds_the_kept_checkpoints_the_best_and_the_one_being_written(recipe):
    def disk(**changes) -> str:
        return line_that_says(
            estimate(replace(recipe, epochs=1000, save_steps=10, **changes)).text, "disk:", "checkpoint"
        )

    off = replace(recipe.hook, mode="off")
    says(
        disk(), "492.8 GB", "123.2 GB", "16.6", "at most 4 are there at once", "best"
    )  # 2 kept, the best, one in the making
    says(disk(hook=off), "369.6 GB", "at most 3 are there at once")
    says(disk(hook=off, keep_checkpoints=5), "739.2 GB", "at most 6 are there at once")
    says(disk(lora=LoraRecipe()), "19.")
    short = estimate(replace(recipe, epochs=1)).text
    line_that_says(short, "disk: 16.6 GB", "none before it")


def test_saving_and_the_hook_take_their_time(recipe):
    def minutes(made: StageRecipe, start: str, **options) -> float:
        line = next(line for line in estimate(made, 1000, **options).text.splitlines() if line.startswith(start))
        return float(line.removeprefix(start).replace("at most", "").split()[0])

    assert minutes(recipe, "saving:") == pytest.approx(16.6 / 60, rel=0.05)  # final/ alone, at 1 GB a second
    assert minutes(recipe, "saving:", write_speed=0.1) == pytest.approx(166 / 60, rel=0.05)
    # 60 problems and 120 exercises in 12 batches over 8 GPUs: two batches of 2,048 tokens at 28 layers; on one GPU twelve.
    assert minutes(recipe, "hook:") == pytest.approx(2 * 2048 * 0.028 / 60, rel=0.05)
    assert minutes(replace(recipe, gpus=1), "hook:") == pytest.approx(12 * 2048 * 0.028 / 60, rel=0.05)
    line_that_says(estimate(replace(recipe, hook=replace(recipe.hook, mode="watch"))).text, "hook:", "none", "watch")
    with refused("--write-speed", "above zero", 0):
        estimate(recipe, write_speed=0)


def test_gradients_in_fp32_are_in_the_plan(recipe):
    whole = replace(recipe, deepspeed="zero3", fp32_gradients=True)
    line = line_that_says(estimate(whole).text, "* zero3")
    other = line_that_says(estimate(replace(whole, fp32_gradients=False)).text, "* zero3")
    assert float(line.split()[3]) == pytest.approx(2 * float(other.split()[3]), abs=0.1)
    line_that_says(estimate(whole).text, "zero2_offload", "not with fp32_gradients")


def test_a_vision_part_that_learns_is_in_the_plan(recipe):
    def figures(made: StageRecipe) -> tuple[float, float, float]:
        text = estimate(made, 1000).text
        work = line_that_says(text, "time:", "GFLOP a token").partition(" GFLOP")[0].split()[-1]
        row = line_that_says(text, "* zero2").split()
        return float(work), float(row[4]), float(row[6])  # GFLOP a token, optimizer, kept

    frozen, merger, whole = (figures(replace(recipe, train=train)) for train in ("language", "language+merger", "all"))
    assert frozen[0] <= merger[0] < whole[0]
    assert frozen[1] < whole[1]
    assert frozen[2] < whole[2]
    line_that_says(estimate(replace(recipe, train="all")).text, "8.292 B", "0.000 M frozen", "8.292 B trainable")
    line_that_says(
        estimate(replace(recipe, train="language+merger")).text, "8.292 B", "0.632 B frozen", "7.660 B trainable"
    )
    line_that_says(
        estimate(replace(recipe, train="all", epochs=1000, save_steps=10)).text, "disk:", "132.7 GB", "checkpoint"
    )


@pytest.mark.parametrize(("gpus", "memory"), [(1, 80), (8, 20)])
def test_adapters_are_no_way_out_for_a_vision_part_that_learns(recipe, gpus, memory):
    for made in (replace(recipe, gpus=gpus), replace(recipe, gpus=gpus, train="all")):
        advice = estimate(made, memory).advice
        assert advice
        assert "lora" not in advice or made.train == "language", advice


def test_shorter_rows_and_adapters_come_last(recipe, monkeypatch):
    monkeypatch.setattr("idf.training.estimate.PRESETS", ("zero2",))
    watched = replace(recipe, hook=HookRecipe(mode="watch"), gpus=1, rows_per_step=1)
    monkeypatch.setattr("idf.training.estimate._MOST_GPUS", 1)
    says(estimate(watched).advice, "fits with", "lora.rank=64", "adapters")
    long = replace(watched, lora=LoraRecipe(), tokens_per_row=32768, attention="flash_attention_2")
    advice = estimate(long, 32).advice
    assert "tokens_per_row=" in advice
    shorter = int(advice.split("tokens_per_row=")[1].split()[0])
    assert estimate(replace(long, tokens_per_row=shorter), 32).fits


def test_no_fit_at_all_is_said(recipe):
    advice = estimate(replace(recipe, model="Qwen/Qwen2.5-VL-72B-Instruct"), 2).advice
    says(advice, "no preset", "GPUs", "shorter row", "adapter", "fit")
    assert "fits with" not in advice


def test_twice_the_gpus_take_half_the_time(recipe):
    def minutes(made: StageRecipe) -> float:
        line = next(line for line in estimate(made, 1000).text.splitlines() if line.startswith("time:"))
        return float(line.split()[1])

    long = replace(recipe, epochs=4000)
    assert minutes(long) == pytest.approx(2 * minutes(replace(long, gpus=16)), rel=0.05)  # two digits are printed


def test_the_peak_is_named(recipe):
    line_that_says(estimate(recipe, 141, gpu="NVIDIA H200").text, "989 TFLOP/s", "NVIDIA H200", "bf16")
    line_that_says(estimate(recipe, peak=500).text, "500 TFLOP/s", "given")
    line_that_says(estimate(replace(recipe, peak_tflops=280)).text, "280 TFLOP/s", "recipe", "peak_tflops")


def test_bad_numbers_are_refused(recipe):
    for words, options in {
        ("--gpu-memory", "above zero", 0): {"gpu_memory": 0},
        ("--mfu", "share", 1, 40): {"mfu": 40},
        ("--peak-tflops", "above zero", -1): {"peak": -1},
        ("GPU", "'Voodoo 2'", "not known", "--peak-tflops"): {"gpu": "Voodoo 2"},
    }.items():
        with refused(*words):
            estimate(recipe, **options)


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
        estimate(replace(recipe, tokens_per_row=64))


def test_a_recipe_of_another_kind_is_refused(tmp_path, capsys):
    other = tmp_path / "imagery.yaml"
    other.write_text(yaml.safe_dump({"samples": 5}))
    assert said(capsys, "--recipe", str(other))[0] == 1
