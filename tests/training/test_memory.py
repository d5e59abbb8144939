from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from idf.training.flops import shape_of
from idf.training.load import meta_model
from idf.training.memory import activation_bytes, logit_bytes, memory_of, size_of
from idf.training.model import freeze_vision
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
        # docs/cluster.md, of ZeRO's 16 bytes a parameter: weights, gradients and optimizer.
        ("zero1", 8, 43),
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
    memory = memory_of(RECIPE, *seven, preset, gpus)
    assert round((memory.weights + memory.gradients + memory.optimizer) / 1e9) == gigabytes


def test_offload_moves_the_optimizer_to_the_host(seven):
    here, there = (memory_of(RECIPE, *seven, preset, 8) for preset in ("zero2", "zero2_offload"))
    assert (there.optimizer, there.gradients, here.host) == (0, 0, 0)
    assert there.host == pytest.approx(18 * seven[1].trained / 8)
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


def test_checkpointing_keeps_one_hidden_state_a_layer(seven):
    with_it, without = (
        activation_bytes(replace(RECIPE, gradient_checkpointing=checkpointing), seven[0], 2)[0]
        for checkpointing in (True, False)
    )
    assert with_it == pytest.approx(28 * 8192 * 2 * 3584, rel=0.35)  # and the two ends
    assert with_it < 0.05 * without


def test_the_logits_of_a_chunk_are_three_tensors_of_1_2_gb(seven):
    adapters = replace(RECIPE, lora=LoraRecipe())
    assert logit_bytes(adapters, seven[0], 2) == pytest.approx(3 * 1.2e9, rel=0.05)
    assert logit_bytes(replace(adapters, tokens_per_row=512), seven[0], 2) == 12 * 512 * 152064
    assert logit_bytes(RECIPE, seven[0], 2) - logit_bytes(adapters, seven[0], 2) == 2 * 2 * 152064 * 3584


@pytest.mark.parametrize("rows", [1, 2])
def test_activations_are_what_autograd_saves(rows):
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
    vlm = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision)).bfloat16()
    freeze_vision(vlm)
    recipe = replace(RECIPE, gradient_checkpointing=False, rows_per_micro_batch=rows, tokens_per_row=length)
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
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        vlm.model.language_model(inputs_embeds=embeddings, position_ids=positions, use_cache=False)
    shape = shape_of(vlm)
    assert sum(saved.values()) == pytest.approx(activation_bytes(recipe, shape, 2)[0], rel=0.1)
