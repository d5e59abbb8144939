from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import Qwen2_5_VLConfig

from idf.training.attention import Segments
from idf.training.families import FAMILIES
from idf.training.flops import shape_of
from idf.training.load import load_model, meta_model, random_model
from idf.training.memory import Size, activation_bytes, checkpoint_bytes, logit_bytes, memory_of, size_of, vision_bytes
from idf.training.model import StageModel, checkpoint_tower, freeze_vision
from idf.training.recipe import HookRecipe, LoraRecipe, StageRecipe

RECIPE = StageRecipe("imagery", "-", "-", "-", hook=HookRecipe(mode="off"))
SEVEN = "Qwen/Qwen2.5-VL-7B-Instruct"


@pytest.fixture(scope="module")
def seven():
    vlm = meta_model(SEVEN)
    return shape_of(vlm), size_of(vlm, shape_of(vlm), None)


@pytest.mark.parametrize(
    ("preset", "gpus", "gigabytes"),
    [
        # Of ZeRO's 16 bytes a parameter: weights, gradients and optimizer.
        ("zero1", 8, 45),  # 43, and DeepSpeed's copy of the gradients that a GPU owns
        ("zero2", 1, 123),
        ("zero2", 2, 70),
        ("zero2", 4, 43),
        ("zero2", 8, 30),
        ("zero3", 2, 62),
        ("zero3", 8, 15),
        ("zero3", 16, 8),
    ],
)
def test_the_states_of_the_7b_model_are_zeros_16_bytes_a_parameter(seven, preset, gpus, gigabytes):
    memory = memory_of(replace(RECIPE, rows_per_step=gpus), *seven, preset, gpus)  # without accumulation
    assert round((memory.weights + memory.gradients + memory.optimizer) / 1e9) == gigabytes


def test_offload_moves_the_optimizer_to_the_host(seven):
    once = replace(RECIPE, rows_per_step=8)
    here, there = (memory_of(once, *seven, preset, 8) for preset in ("zero2", "zero2_offload"))
    assert (there.optimizer, there.gradients, here.host) == (0, 0, 0)
    assert there.host == pytest.approx(18 * seven[1].trained / 8)
    twice = memory_of(replace(RECIPE, rows_per_step=16), *seven, "zero2_offload", 8)
    assert twice.host == pytest.approx(20 * seven[1].trained / 8)
    assert memory_of(RECIPE, *seven, "zero3_offload", 8).weights == 0


def test_one_gpus_step_needs_8_bytes_more_for_each_parameter_it_owns(seven):
    # So 7B does not fit in 141 GB with ZeRO-2, whatever its rows; ZeRO-3 steps through 10^9 parameters at a time.
    two, three = (memory_of(RECIPE, *seven, preset, 1) for preset in ("zero2", "zero3"))
    assert two.step == 8 * seven[1].trained
    assert two.stepping > 150e9 > three.stepping


def test_adapters_leave_a_frozen_base_and_a_small_optimizer(seven):
    vlm = meta_model(SEVEN)
    size = size_of(vlm, seven[0], 64)
    assert size.trained == pytest.approx(161e6, rel=5e-3)
    assert size.total == seven[1].total + size.trained
    recipe = replace(RECIPE, lora=LoraRecipe())
    memory = memory_of(recipe, seven[0], size, "zero2", 1)
    assert memory.weights == 2 * size.total
    assert memory.optimizer == 12 * size.trained


def test_the_inline_hook_holds_a_second_model(seven):
    inline = replace(RECIPE, hook=HookRecipe())
    memory = memory_of(inline, *seven, "zero3", 8)
    assert memory.hook > 2 * seven[1].total
    assert memory.evaluating > memory.stepping
    assert memory_of(replace(RECIPE, hook=HookRecipe(mode="watch")), *seven, "zero3", 8).evaluating == 0


def test_half_the_tokens_are_half_the_activations(seven):
    flash = replace(RECIPE, attention="flash_attention_2")
    whole, half = (sum(activation_bytes(replace(flash, tokens_per_row=n), seven[0], 2)) for n in (8192, 4096))
    assert whole == pytest.approx(2 * half)


@pytest.mark.parametrize(("attention", "states"), [("packed", 3), ("flash_attention_2", 1)])
def test_checkpointing_keeps_a_few_hidden_states_a_layer(seven, attention, states):
    with_it, without = (
        activation_bytes(replace(RECIPE, attention=attention, gradient_checkpointing=checkpointing), seven[0], 2)[0]
        for checkpointing in (True, False)
    )
    ends = 10 * 8192 * 3584
    assert with_it == pytest.approx(28 * 8192 * 2 * states * 3584 + ends)
    assert with_it < 0.11 * without


def test_an_mlp_at_work_holds_a_piece_of_the_row_but_for_zero_3(seven):
    piece, whole = (activation_bytes(replace(RECIPE, deepspeed=zero), seven[0], 2)[1] for zero in ("zero2", "zero3"))
    assert piece < 0.4 * whole
    kept = {preset: memory_of(RECIPE, *seven, preset, 8).kept for preset in ("zero2", "zero3")}
    assert kept["zero2"] > 2 * kept["zero3"]  # of the preset that is asked about, whatever the recipe's own


def test_one_gpu_without_deepspeed_has_no_buckets(seven):
    assert [memory_of(RECIPE, *seven, None, gpus).buckets for gpus in (1, 2)] == [0, 4 * seven[1].trained]


def test_the_logits_of_a_chunk_are_three_tensors_of_1_2_gb(seven):
    adapters = replace(RECIPE, lora=LoraRecipe())
    assert logit_bytes(adapters, seven[0], 2) == pytest.approx(3 * 1.2e9, rel=0.05)
    assert logit_bytes(replace(adapters, tokens_per_row=512), seven[0], 2) == 12 * 512 * 152064
    assert logit_bytes(RECIPE, seven[0], 2) - logit_bytes(adapters, seven[0], 2) == 2 * 2 * 152064 * 3584


def test_computing_samples_alone_spares_the_mask_and_the_repeated_keys(seven):
    (kept, layer), (of_rows, layer_of_rows) = (
        activation_bytes(replace(RECIPE, attention=attention, deepspeed="zero3"), seven[0], 2)
        for attention in ("packed", "sdpa")
    )
    assert of_rows - kept == 3 * 8192**2
    assert layer_of_rows - layer == 8192 * 2 * 2 * (3584 - 512)


@pytest.mark.parametrize("attention", ["packed", "sdpa"])
@pytest.mark.parametrize("rows", [1, 2])
def test_activations_are_what_autograd_saves(rows, attention):
    """Storages that forward keeps for backward, without parameters, on a model of Qwen2.5-VL's proportions in bf16."""
    layers, length = 3, 256
    text = {
        "hidden_size": 128,
        "intermediate_size": 640,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 256,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 6, 6]},
    }
    vision = {"depth": 1, "hidden_size": 64, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 128}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    vlm = random_model(config, precision="bf16", attention=attention, device="cpu")
    freeze_vision(vlm)
    recipe = replace(
        RECIPE, attention=attention, gradient_checkpointing=False, rows_per_micro_batch=rows, tokens_per_row=length
    )
    parameters = {parameter.untyped_storage().data_ptr() for parameter in vlm.parameters()}
    saved: dict[int, int] = {}
    kept = []  # a storage that was freed could come back under the same address

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            saved[storage.data_ptr()] = storage.nbytes()
            kept.append(tensor)
        return tensor

    embeddings = vlm.get_input_embeddings()(torch.arange(rows * length).reshape(rows, length) % 256)
    positions = torch.arange(length).expand(4, rows, length)
    more = {"segments": Segments.of([length] * rows, torch.device("cpu"))} if attention == "packed" else {}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        vlm.model.language_model(inputs_embeds=embeddings, position_ids=positions, use_cache=False, **more)
    shape = shape_of(vlm)
    assert sum(saved.values()) == pytest.approx(activation_bytes(recipe, shape, 2)[0], rel=0.1)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("train", ["language+merger", "all"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_vision_part_that_learns_keeps_is_what_autograd_saves(hub, family, train, checkpointing):
    config = load_model(str(hub(family)), precision="fp32", attention="sdpa").config
    vlm = random_model(config, precision="bf16", attention="packed", device="cpu")
    freeze_vision(vlm, train)
    if checkpointing and train == "all":
        checkpoint_tower(vlm)
    model, side = StageModel(vlm).train(), config.vision_config.patch_size
    parameters = {parameter.untyped_storage().data_ptr() for parameter in vlm.parameters()}
    saved: dict[int, int] = {}
    kept = []  # a storage that was freed could come back under the same address

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            saved[storage.data_ptr()] = storage.nbytes()
            kept.append(tensor)
        return tensor

    pixels = torch.zeros(16 * 24, 3, side, side, dtype=torch.uint8)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.picture_features(pixels, torch.ones(2, 3), [(1, 16, 24)])
    recipe = replace(RECIPE, train=train, gradient_checkpointing=checkpointing)
    counted, at_work = vision_bytes(recipe, shape_of(vlm), 2, 16 * 24)
    assert sum(saved.values()) == pytest.approx(counted, rel=0.1)
    assert (at_work > 0) == (train == "all")


def test_a_vision_part_that_learns_takes_weights_states_and_activations_of_its_own(seven):
    vlm = meta_model(SEVEN, "all")
    size = size_of(vlm, seven[0], None)
    assert size.trained == size.total == seven[1].total
    whole = replace(RECIPE, train="all", gradient_checkpointing=False)
    frozen, learned = (
        memory_of(recipe, seven[0], of, "zero2", 8, 8192)
        for recipe, of in ((replace(whole, train="language"), seven[1]), (whole, size))
    )
    assert learned.optimizer - frozen.optimizer == 12 * (size.total - seven[1].trained) / 8
    blocks = 32 * 8192 * (16 * 1280 + 12 * 1280 + 8 * 3420)
    assert blocks < learned.kept - frozen.kept < 1.1 * blocks
    # A row has no room for more pictures than its tokens.
    assert vision_bytes(whole, seven[0], 2, 10**9) == vision_bytes(whole, seven[0], 2, 4 * 8192)


# --- what DeepSpeed really holds ---------------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]
PARAMETERS = 64 * 128 * 128
SMALL = Size(PARAMETERS, PARAMETERS, 128 * 128)


@pytest.fixture(scope="module")
def deepspeed_holds(tmp_path_factory):
    """Bytes a parameter of tensors alive in DeepSpeed on one CPU: (preset, fp32_gradients, accumulation) -> moments."""
    out = tmp_path_factory.mktemp("zero") / "zero.json"
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(ROOT / "bench" / "zero_memory.py"),
        "--buckets",
        "4",
        "--out",
        str(out),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = json.loads(out.read_text())["bytes_a_parameter"]
    return {(row["preset"], row["fp32_gradients"], row["accumulation"]): row for row in rows}


@pytest.mark.slow
def test_the_plan_counts_what_deepspeed_holds_and_the_second_copy_of_gradients_under_accumulation(
    seven, deepspeed_holds
):
    for (preset, fp32, accumulation), held in deepspeed_holds.items():
        recipe = replace(RECIPE, fp32_gradients=fp32, rows_per_step=accumulation)
        memory = memory_of(recipe, seven[0], SMALL, preset, 1)
        states = (memory.weights + memory.gradients + memory.optimizer + memory.host) / PARAMETERS
        # Buckets of 4 layers take up to 0.5 bytes a parameter besides.
        assert states - 0.1 < held["backward"] < states + 0.75, (preset, fp32, accumulation)
        if not memory.host:  # PyTorch's Adam takes 4 bytes more for itself on a CPU than on a GPU
            assert held["step"] == pytest.approx(memory.stepping / PARAMETERS + 4, abs=0.3), (
                preset,
                fp32,
                accumulation,
            )


@pytest.mark.slow
def test_zero_2_holds_gradients_twice_once_it_accumulates_unless_it_adds_up_in_fp32(deepspeed_holds):
    def more(preset: str, fp32: bool) -> float:
        return round(deepspeed_holds[preset, fp32, 2]["backward"] - deepspeed_holds[preset, fp32, 1]["backward"], 1)

    assert (more("zero2", False), more("zero2", True), more("zero2_offload", False)) == (2.0, 0.0, 2.0)
    assert (more("zero1", False), more("zero3", False)) == (0.0, 0.0)


def test_a_checkpoint_of_the_7b_model_takes_123_gb(seven):
    weights, state = checkpoint_bytes(RECIPE, seven[1])
    assert round(weights / 1e9, 1) == 16.6
    assert round((weights + state) / 1e9) == 123
    assert checkpoint_bytes(replace(RECIPE, deepspeed="zero3"), seven[1])[1] == 12 * seven[1].trained
