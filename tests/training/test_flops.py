from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from idf.training.encode import Encoder
from idf.training.families import FAMILIES
from idf.training.flops import PEAK_TFLOPS, Counts, peak_tflops, shape_of, train_flops
from idf.training.load import load_model, meta_model
from idf.training.model import StageModel, freeze_vision


@pytest.fixture(scope="module")
def row(tiny):
    """One sample with a picture as a micro-batch, and its counts."""
    from idf.training.collate import Collator

    encode = Encoder(tiny.processor, 2048, 12544)
    sample = next(sample for sample in tiny.imagery.samples() if sample.images)
    encoded = encode(sample)
    vocabulary = tiny.processor.tokenizer
    collate = Collator(tiny.processor.image_processor, encode.image_token_id, vocabulary.pad_token_id)
    patches = [t * h * w for t, h, w in encoded.grids]
    counts = Counts(
        tokens=len(encoded),
        label_tokens=sum(int(label) >= 0 for label in encoded.labels),
        token_pairs=len(encoded) ** 2,
        patches=sum(patches),
        patch_pairs=sum(n * n for n in patches),
    )
    batch = collate([[(encoded, sample.images)]])
    assert Counts(*batch.pop("counts").tolist()) == counts  # what training counts is what is counted by hand
    return batch, counts


@pytest.fixture(scope="module")
def seven():
    return shape_of(meta_model("Qwen/Qwen2.5-VL-7B-Instruct"))


def counted(vlm, batch, backward):
    model = StageModel(vlm)
    with FlopCounterMode(display=False) as counter:
        loss = model(**batch)
        if backward:
            loss.backward()
    return counter.get_total_flops()


def test_a_full_step_counts_as_torch_counts_it(tiny, row):
    batch, counts = row
    vlm = load_model(str(tiny.model), precision="fp32", attention="eager")
    freeze_vision(vlm)
    shape = shape_of(vlm)
    # Torch counts besides: the half of the pairs that the causal mask throws away, and the logits' second forward.
    masked = 6 * shape.layers * shape.attention * counts.token_pairs
    again = 2 * shape.vocabulary * shape.hidden * counts.label_tokens
    assert counted(vlm, batch, True) == pytest.approx(train_flops(shape, counts) + masked + again, rel=0.01)


def test_a_step_with_adapters_counts_as_torch_counts_it(tiny, row):
    from peft import LoraConfig, inject_adapter_in_model

    batch, counts = row
    vlm = load_model(str(tiny.model), precision="fp32", attention="eager")
    vlm.requires_grad_(False)
    shape = shape_of(vlm)
    names = [name for name, module in vlm.model.language_model.named_modules() if isinstance(module, torch.nn.Linear)]
    inject_adapter_in_model(LoraConfig(r=8, target_modules=names), vlm.model.language_model)
    assert shape_of(vlm) == shape
    vlm.get_input_embeddings().weight.requires_grad_(False)
    vlm.model.language_model.layers[0].input_layernorm.weight.requires_grad_(True)  # the first layer's inputs count too
    masked = 6 * shape.layers * shape.attention * counts.token_pairs
    again = 2 * shape.vocabulary * shape.hidden * counts.label_tokens
    assert counted(vlm, batch, True) == pytest.approx(train_flops(shape, counts, 8) + masked + again, rel=0.01)


def test_a_frozen_tower_costs_a_forward_pass_only(tiny, row):
    batch, counts = row
    vlm = load_model(str(tiny.model), precision="fp32", attention="eager")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        StageModel(vlm).picture_features(batch["patches"], batch["colours"], batch["cuts"].pictures)
    pictures = Counts(patches=counts.patches, patch_pairs=counts.patch_pairs)
    assert counter.get_total_flops() == pytest.approx(train_flops(shape_of(vlm), pictures), rel=0.05)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("train", ["language+merger", "all"])
def test_a_vision_part_that_learns_counts_as_torch_counts_it(tiny, hub, family, train):
    vlm = load_model(str(hub(family)), precision="fp32", attention="eager")
    freeze_vision(vlm, train)
    vision, grid = vlm.config.vision_config, (1, 16, 24)
    pixels = torch.zeros(16 * 24, 3, vision.patch_size, vision.patch_size, dtype=torch.uint8)
    model = StageModel(vlm)
    with FlopCounterMode(display=False) as counter:
        features, deeper = model.picture_features(pixels, torch.ones(2, 3), [grid])
        sum(seen.sum() for seen in (features, *deeper)).backward()
    counts = Counts(patches=16 * 24, patch_pairs=(16 * 24) ** 2)
    assert counter.get_total_flops() == pytest.approx(train_flops(shape_of(vlm), counts, train=train), rel=0.05)


def test_a_picture_token_of_the_7b_model_costs_three_times_as_much_where_the_tower_learns(seven):
    frozen, merger, whole = (
        train_flops(seven, Counts(patches=4, patch_pairs=4 * 64), train=train)
        for train in ("language", "language+merger", "all")
    )
    assert 2.9 < whole / frozen < 3
    assert merger - frozen == 4 * seven.merger


def test_a_token_of_the_7b_model_with_its_logits_costs_42_gflop(seven):
    assert train_flops(seven, Counts(tokens=1, label_tokens=1)) == pytest.approx(42.4e9, rel=2e-3)


def test_a_token_that_is_not_learned_costs_no_logits(seven):
    difference = train_flops(seven, Counts(tokens=1, label_tokens=1)) - train_flops(seven, Counts(tokens=1))
    assert difference == 6 * 152064 * 3584


def test_a_picture_token_of_the_7b_model_costs_5_gflop_more(seven):
    assert train_flops(seven, Counts(patches=4)) == pytest.approx(5.1e9, rel=0.02)


def test_documents_of_2k_tokens_add_1_2_gflop_of_attention_a_token(seven):
    assert train_flops(seven, Counts(token_pairs=2048**2)) / 2048 == pytest.approx(1.2e9, rel=0.05)


def test_adapters_of_rank_64_are_161_million_weights_and_save_a_third(seven):
    assert seven.adapted * 64 == pytest.approx(161e6, rel=5e-3)
    full, lora = (train_flops(seven, Counts(tokens=1000), rank) for rank in (None, 64))
    assert 0.66 < lora / full < 0.70


def test_windows_spare_a_large_picture_of_qwen2_5_vl_most_of_its_attention(seven):
    assert (seven.full_blocks, seven.window_blocks, seven.window) == (4, 28, 64)
    attention = train_flops(seven, Counts(patches=6144, patch_pairs=6144**2)) - train_flops(seven, Counts(patches=6144))
    assert attention == 4 * 1280 * (4 * 6144**2 + 28 * 6144 * 64)


def test_counts_add_up():
    assert Counts(1, 2, 3, 4, 5) + Counts(10, 20, 30, 40, 50) == Counts(11, 22, 33, 44, 55)


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A800-SXM4-80GB", 312),
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989),
        ("NVIDIA H20", 148),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
        ("NVIDIA A10", 125),
        ("NVIDIA GeForce RTX 4090", 165),
        ("a800", 312),
        ("NVIDIA RTX A4000", None),
        ("Tesla V100-SXM2-32GB", None),
    ],
)
def test_a_gpu_is_known_by_the_words_of_its_name(name, peak):
    assert peak_tflops(name) == peak


def test_every_peak_is_found_under_its_own_name():
    assert all(peak_tflops(name) == peak for name, peak in PEAK_TFLOPS.items())
