"""The same mathematics whatever the micro-batch, the ranks, the preset and the precision."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from idf.training.dataset import PackedRows, TokenStore, micro_batches
from idf.training.recipe import StageRecipe
from tests.sentences import line_that_says

from .hub_layout import weights as weights_of
from .running import check_resumed_to_the_same_digits, history, imagery_recipe, run

pytestmark = pytest.mark.slow


def update(tiny, checkpoint) -> torch.Tensor:
    """What a run changed up to a checkpoint, as one vector."""
    before, after = weights_of(tiny.model), weights_of(checkpoint)
    return torch.cat([(after[name] - before[name]).double().flatten() for name in sorted(before)])


def gradient(checkpoint) -> torch.Tensor:
    """Adam's first moment after one step: a tenth of the (clipped) gradient, as one vector."""
    state = torch.load(checkpoint / "state" / "optimizer.pt", weights_only=True)["state"]
    return torch.cat([state[i]["exp_avg"].double().flatten() for i in sorted(state)])


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    assert one.norm() > 0
    return float((one - other).norm() / one.norm())


def test_micro_batch_accumulation_and_ranks_give_the_same_update(tiny, tmp_path, full):
    # Four rows with unequal numbers of label tokens: a mean of means would be another update, by more than a half.
    ways = {
        "one rank, 4 at once": (1, 4),
        "one rank, 1 x 4": (1, 1),
        "two ranks, 1 x 2": (2, 1),
    } | ({"two ranks, 2": (2, 2)} if full else {})
    steps, saved = {}, {}
    for way, (ranks, rows) in ways.items():
        name = f"run{len(saved)}"
        changes = {"rows_per_micro_batch": rows, "epochs": 0.5, "save_steps": 1, "warmup": 0.0}
        done = run("stage1.py", imagery_recipe(tiny, run=name, **changes), tmp_path, ranks=ranks)
        assert done.returncode == 0, done.stderr[-3000:]
        steps[way], saved[way] = history(tmp_path / name)[0], tmp_path / name / "checkpoint-1"
    first, *others = ways
    for way in others:
        assert steps[way]["loss"] == pytest.approx(steps[first]["loss"], rel=1e-6)
        assert difference(gradient(saved[first]), gradient(saved[way])) < 1e-5
        # Adam's first update is about the sign of each gradient, so it makes much of rounding in those near zero.
        assert difference(update(tiny, saved[first]), update(tiny, saved[way])) < 3e-5


PRESETS = (None, "zero1", "zero2", "zero3", "zero2_offload", "zero3_offload")
TOLERANCE = 1e-4  # relative, over eight steps in fp32: sums are added up in another order


def presets(*in_ci: str | None) -> list:
    """All presets; those that others stand for in CI are marked."""
    return [preset if preset in in_ci else pytest.param(preset, marks=pytest.mark.full) for preset in PRESETS]


@pytest.fixture(scope="module")
def curves(tiny, tmp_path_factory):
    """The folder of the same run under every preset on two ranks, and its steps by preset, each made when first asked for."""
    folder = tmp_path_factory.mktemp("presets")
    found = {}

    def steps(preset):
        if preset not in found:
            recipe = imagery_recipe(tiny, run=f"run-{preset}", deepspeed=preset, epochs=2)
            done = run("stage1.py", recipe, folder)
            assert done.returncode == 0, (preset, done.stderr[-3000:])
            found[preset] = history(folder / recipe["run"])
        return found[preset]

    return folder, steps


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("preset", presets("zero2")[1:])
def test_every_preset_gives_the_loss_curve_of_plain_data_parallelism(curves, preset):
    _, steps = curves
    assert len(steps(preset)) == len(steps(None)) >= 8
    for plain, sharded in zip(steps(None), steps(preset), strict=True):
        assert sharded["label_tokens"] == plain["label_tokens"]
        assert sharded["loss"] == pytest.approx(plain["loss"], rel=TOLERANCE)
        assert sharded["grad_norm"] == pytest.approx(plain["grad_norm"], rel=100 * TOLERANCE)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("preset", presets())  # test_stages kills one under zero2, test_lora one under zero3
def test_a_killed_run_goes_on_to_the_same_digits_under_every_preset(tiny, curves, preset):
    folder, steps_of = curves
    steps = steps_of(preset)
    whole, copy = folder / f"run-{preset}", folder / f"again-{preset}"
    shutil.copytree(whole, copy)
    shutil.rmtree(copy / "final")
    for checkpoint in copy.glob("checkpoint-*"):
        if checkpoint.name == "checkpoint-6":  # as a power failure might leave it
            weights = checkpoint / "model-00002-of-00002.safetensors"
            weights.write_bytes(weights.read_bytes()[:-1000])
        elif checkpoint.name != "checkpoint-4":
            checkpoint.rename(copy / f".saving-{checkpoint.name}")  # as a kill during a save would leave it
    done = run("stage1.py", imagery_recipe(tiny, run=copy.name, deepspeed=preset, epochs=2), folder)
    assert done.returncode == 0, (preset, done.stderr[-3000:])
    line_that_says(
        done.stdout,
        f"{copy.name}/checkpoint-6",
        "damaged",
        "model-00002-of-00002.safetensors",
        "goes back",
        "checkpoint-4",
    )
    line_that_says(done.stdout, "resuming from", f"{copy.name}/checkpoint-4")
    assert history(copy) == steps
    weights, again = (weights_of(run_ / "final") for run_ in (whole, copy))
    assert all(weights[name].equal(again[name]) for name in weights)


@pytest.mark.timeout(600)
@pytest.mark.full  # test_model compares both ways in CI
def test_sdpa_on_whole_rows_gives_the_loss_curve_of_samples_computed_alone(tiny, curves):
    folder, steps = curves
    recipe = imagery_recipe(tiny, run="run-sdpa", attention="sdpa", rows_per_micro_batch=2, epochs=2)
    done = run("stage1.py", recipe, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    for alone, whole in zip(steps(None), history(folder / "run-sdpa"), strict=True):
        assert whole["loss"] == pytest.approx(alone["loss"], rel=TOLERANCE)
        assert whole["grad_norm"] == pytest.approx(alone["grad_norm"], rel=100 * TOLERANCE)


def test_text_beside_pictures_under_zero_3_does_not_hang_and_a_head_of_its_own_is_kept(tiny, hub, tmp_path):
    # Rows of one sample: in some steps one rank has a picture and the other has none. A rank that skipped the sharded
    # tower would make the other wait forever; the hang watch would end that after a minute.
    length = max(len_of(sample, tiny) for sample in tiny.imagery.samples())
    changes = {"deepspeed": "zero3", "tokens_per_row": length, "rows_per_step": 2, "hang_seconds": 60}
    # The base's config says "tied", its files hold two tensors: cut up, both look empty, and alike.
    base = shutil.copytree(hub("qwen2_5_vl", tied=False), tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    done = run("stage1.py", imagery_recipe(tiny, run="run", model="./base", **changes), tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    (tokens,) = (tmp_path / "run").glob("tokens-*")
    rows = PackedRows(tiny.imagery, TokenStore(tokens), length, 2, 0)
    recipe = StageRecipe("imagery", "m", "d", "r", rows_per_micro_batch=1, rows_per_step=2)
    steps = len(history(tmp_path / "run"))
    shown = [
        [any(encoded.grids for row in batch for encoded, _ in rows[row]) for batch in share]
        for share in (micro_batches(len(rows), recipe, rank, 2, 0, steps) for rank in (0, 1))
    ]
    assert any(a != b for a, b in zip(*shown, strict=True)), "no step had a picture on one rank alone"
    before, after = weights_of(base), weights_of(tmp_path / "run" / "final")
    assert after.keys() == before.keys()
    head = before["lm_head.weight"]
    assert 0 < difference(head, after["lm_head.weight"]) < 0.5, "another tensor, or one that did not learn"


def len_of(sample, tiny) -> int:
    from idf.training.encode import Encoder

    return len(Encoder(tiny.processor, 4096, 12544)(sample))


def test_bf16_at_a_small_learning_rate_changes_what_it_should(tiny, tmp_path):
    # Without fp32 master weights most bf16 weights would never move: 1e-5 is below half a step of a weight of 0.01.
    from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

    changes = {"precision": "bf16", "deepspeed": "zero2", "learning_rate": 1e-5, "warmup": 0.0, "save_steps": 2}
    done = run("stage1.py", imagery_recipe(tiny, run="run", **changes), tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    state = tmp_path / "run" / "checkpoint-2" / "state"
    masters = get_fp32_state_dict_from_zero_checkpoint(str(state), "zero", exclude_frozen_parameters=True)
    base = weights_of(tiny.model)
    saved = weights_of(tmp_path / "run" / "checkpoint-2")
    moved, moved_in_bf16, learned = 0, 0, 0
    for name, master in masters.items():
        name = name.removeprefix("vlm.").replace("model.language_model.", "model.")
        if name not in base:  # the tied head
            continue
        before = base[name].bfloat16()
        moved += int((master != before.float()).sum())
        moved_in_bf16 += int((saved[name] != before).sum())
        learned += before.numel()
        assert master.dtype == torch.float32
        assert torch.equal(master.bfloat16(), saved[name]), "what is exported is not the master weights, rounded"
    assert learned > 500_000
    assert moved > 0.99 * learned
    assert moved_in_bf16 < 0.7 * learned, "this learning rate is too large to show anything"


@pytest.mark.full
def test_without_a_limit_gradients_are_not_clipped(tiny, tmp_path):
    changes = {"max_grad_norm": None, "save_steps": 1, "epochs": 0.5, "warmup": 0.0}
    done = run("stage1.py", imagery_recipe(tiny, run="run", **changes), tmp_path, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    norm = history(tmp_path / "run")[0]["grad_norm"]
    assert norm > 1, "a limit of 1 would clip nothing either"
    assert float(gradient(tmp_path / "run" / "checkpoint-1").norm()) == pytest.approx(0.1 * norm, rel=1e-4)


@pytest.mark.full
@pytest.mark.parametrize("preset", ["zero2", "zero3", "zero3_offload"])
def test_a_run_that_adds_up_in_fp32_is_resumed_to_the_same_digits(tiny, tmp_path, preset):
    changes = {"precision": "bf16", "deepspeed": preset, "fp32_gradients": True, "warmup": 0.0, "save_steps": 2}
    recipe = imagery_recipe(tiny, run="run", **changes)
    check_resumed_to_the_same_digits("stage1.py", recipe, tmp_path)
