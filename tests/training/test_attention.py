"""Attention that computes each sample alone: exact, without a leak, and without a value read back from the device."""

from __future__ import annotations

import inspect
import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForImageTextToText
from transformers.vision_utils import get_vision_window_index

from idf.training.attention import (
    Segments,
    as_flash_call,
    as_varlen_call,
    choose_way,
    each_alone,
    kernels,
    packed_attention,
)
from idf.training.collate import Collator
from idf.training.encode import Encoder
from idf.training.families import FAMILIES
from idf.training.load import load_model, load_processor, random_model
from idf.training.model import StageModel, freeze_vision
from idf.training.tower import tower_inputs, window_order
from tests.sentences import refused

from .conftest import MAX_PIXELS

CPU, META = torch.device("cpu"), torch.device("meta")


def by_hand(query, key, value, lengths, causal, scale):
    """Softmax over a whole mask, in double precision: (tokens, heads, size)."""
    query, key, value = (tensor.double() for tensor in (query, key, value))
    key, value = (tensor.repeat_interleave(query.shape[1] // key.shape[1], dim=1) for tensor in (key, value))
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    seen = owner[:, None] == owner[None]
    if causal:
        seen = seen.tril()
    scores = torch.einsum("qhd,khd->hqk", query, key) * scale
    return torch.einsum("hqk,khd->qhd", scores.masked_fill(~seen, -torch.inf).softmax(-1), value)


def random_input(tokens, heads=4, shared=2, size=16):
    torch.manual_seed(0)
    return [torch.randn(tokens, n, size, requires_grad=True) for n in (heads, shared, shared)]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("lengths", [[7], [1, 1], [5, 3, 3, 3, 8, 1], [4, 4, 4], [9, 2]])
def test_each_sequence_gets_what_a_mask_gives_it_and_so_do_the_gradients(lengths, causal):
    inputs = random_input(sum(lengths))
    wanted = by_hand(*inputs, lengths, causal, 0.3)
    found = each_alone(*inputs, Segments.of(lengths, CPU), causal, 0.3)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-6)
    weights = torch.randn_like(found)
    gradients = (torch.autograd.grad((out * weights).sum(), inputs) for out in (found, wanted))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_neighbours_of_equal_length_are_computed_in_one_call(monkeypatch):
    calls = []
    plain = torch.nn.functional.scaled_dot_product_attention

    def counted(query, *more, **words):
        calls.append(tuple(query.shape))
        return plain(query, *more, **words)

    monkeypatch.setattr("idf.training.attention.scaled_dot_product_attention", counted)
    each_alone(*random_input(4 * 6 + 5), Segments.of([6, 6, 6, 6, 5], CPU), False, 1.0)
    assert calls == [(4, 4, 6, 16), (1, 4, 5, 16)]


def test_rows_without_cuts_a_mask_dropout_and_a_sliding_window_are_refused():
    query, key, value = (tensor.transpose(0, 1)[None] for tensor in random_input(6))
    module = torch.nn.Module()
    module.is_causal = True
    segments = Segments.of([4, 2], CPU)
    for mask, cuts in ((None, None), (None, Segments.of([4, 1], CPU)), (torch.ones(1, 1, 6, 6), segments)):
        with pytest.raises(RuntimeError, match="cuts"):
            packed_attention(module, query, key, value, mask, 1.0, segments=cuts)
    for asked in ({"dropout": 0.1}, {"sliding_window": 4}):
        with refused("attention=packed", "attention=sdpa", "dropout" if "dropout" in asked else "sliding window of 4"):
            packed_attention(module, query, key, value, None, 1.0, segments=segments, **asked)


# --- which kernel ------------------------------------------------------------------------------------------------


def varlen(*_):
    raise AssertionError


def flash(*_):
    raise AssertionError


@pytest.mark.parametrize(
    ("device", "dtype", "size", "ampere", "there", "way"),
    [
        ("cuda", torch.bfloat16, 128, True, (varlen, flash), varlen),
        ("cuda", torch.float16, 80, True, (varlen, None), varlen),
        ("cuda", torch.bfloat16, 128, True, (None, flash), flash),
        ("cuda", torch.bfloat16, 128, True, (None, None), each_alone),
        ("cuda", torch.float32, 128, True, (varlen, flash), each_alone),
        ("cuda", torch.bfloat16, 20, True, (varlen, flash), each_alone),
        ("cuda", torch.bfloat16, 512, True, (varlen, flash), each_alone),
        ("cuda", torch.float16, 128, False, (varlen, flash), each_alone),
        ("cpu", torch.bfloat16, 128, False, (varlen, flash), each_alone),
    ],
)
def test_kernels_are_used_where_they_can_be_and_sdpa_elsewhere(device, dtype, size, ampere, there, way):
    assert choose_way(device, dtype, size, ampere, *there) is way


def test_flash_attn_is_imported_only_where_it_will_be_used(monkeypatch):
    monkeypatch.setattr("idf.training.attention.flash_call", lambda: flash)
    monkeypatch.setattr("idf.training.attention.varlen_call", lambda: varlen)
    assert kernels(CPU) == (None, None)
    assert kernels(torch.device("cuda")) == (varlen, None)
    monkeypatch.setattr("idf.training.attention.varlen_call", lambda: None)
    assert kernels(torch.device("cuda")) == (None, flash)


def computed(query, key, value, ends, longest, causal, scale):
    """What a kernel for sequences of unequal length must return, from what it is given."""
    lengths = [int(end - start) for start, end in pairwise(ends)]
    assert ends.dtype == torch.int32
    assert longest == max(lengths)
    return by_hand(query, key, value, lengths, causal, scale).to(query)


def newest_varlen(
    query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1), enable_gqa=False
):
    """As torch 2.14's: the number of heads must be the same, unless it is told."""
    assert enable_gqa or query.shape[1] == key.shape[1]
    assert cu_seq_q is cu_seq_k
    assert max_q == max_k
    assert window_size in ((-1, 0), (-1, -1))
    return computed(query, key, value, cu_seq_q, max_q, window_size == (-1, 0), scale)


def varlen_between(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1)):
    return newest_varlen(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale=scale, window_size=window_size)


def first_varlen(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False, return_aux=None):
    raise AssertionError


def flash_varlen(
    q,
    k,
    v,
    cu_seqlens_q,
    cu_seqlens_k,
    max_seqlen_q,
    max_seqlen_k,
    dropout_p=0.0,
    softmax_scale=None,
    causal=False,
):
    """As flash_attn's: queries may share keys."""
    assert cu_seqlens_q is cu_seqlens_k
    assert max_seqlen_q == max_seqlen_k
    return computed(q, k, v, cu_seqlens_q, max_seqlen_q, causal, softmax_scale)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(
    "call",
    [as_varlen_call(newest_varlen), as_varlen_call(varlen_between), as_flash_call(flash_varlen)],
    ids=["newest varlen", "varlen without the word for shared keys", "flash_attn"],
)
def test_a_kernel_is_handed_what_it_takes(call, causal):
    inputs, segments = random_input(12), Segments.of([5, 3, 3, 1], CPU)
    torch.testing.assert_close(call(*inputs, segments, causal, 0.3), each_alone(*inputs, segments, causal, 0.3))


def test_torchs_first_kernel_which_takes_no_scale_is_left_alone():
    assert as_varlen_call(first_varlen) is None


def test_the_installed_torchs_kernel_takes_the_words_that_it_is_given():
    kernel = pytest.importorskip(
        "torch.nn.attention.varlen", reason="this torch is older than its varlen kernel"
    ).varlen_attn
    words = inspect.signature(kernel).parameters
    assert list(words)[:7] == ["query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k"]
    assert words["window_size"].default == (-1, -1)
    assert "enable_gqa" not in words or words["enable_gqa"].default is False


# --- in a model --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, hub):
    return hub(request.param, tied=request.param != "qwen2_vl")


@pytest.fixture(scope="module")
def collate(folder):
    processor = load_processor(str(folder))
    image_token = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    collator = Collator(processor.image_processor, image_token, processor.tokenizer.pad_token_id)
    return lambda rows: {name: thing for name, thing in collator(rows).items() if name != "counts"}


@pytest.fixture(scope="module")
def samples(tiny, folder):
    encoder = Encoder(load_processor(str(folder)), max_length=4096, max_pixels=MAX_PIXELS)
    found = [(encoder(sample), sample.images) for sample in tiny.imagery.samples()]
    with_picture, text_only = ([sample for sample in found if bool(sample[1]) == shown][:2] for shown in (True, False))
    return [with_picture[0], text_only[0], text_only[1], with_picture[1]]


def stage_model(folder, attention="packed", checkpointing=False):
    vlm = load_model(str(folder), precision="fp32", attention=attention)
    with torch.no_grad():  # at the initial scale all logits are nearly equal
        for parameter in vlm.parameters():
            parameter.mul_(3.0)
    freeze_vision(vlm)
    if checkpointing:
        vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
    return StageModel(vlm).train()


def gradient(model, *batches):
    """Of the summed loss of some micro-batches, as one vector in double precision."""
    model.zero_grad(set_to_none=True)
    for batch in batches:
        model(**batch).backward()
    return torch.cat([p.grad.double().flatten() for p in model.parameters() if p.grad is not None])


def difference(one, other):
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_gradient_of_a_pack_is_that_of_its_samples_alone_under_sdpa(folder, samples, collate, checkpointing):
    alone = gradient(stage_model(folder, "sdpa"), *(collate([[sample]]) for sample in samples))
    packed = stage_model(folder, checkpointing=checkpointing)
    assert difference(gradient(packed, collate([samples])), alone) < 1e-5
    # Two rows of unequal length: the shorter one is padded.
    assert difference(gradient(packed, collate([samples[:1], samples[1:]])), alone) < 1e-5


def test_what_another_sample_says_changes_no_bit(folder, samples, collate):
    model, batch = stage_model(folder), collate([samples])
    end = len(samples[0][0])
    other = batch | {"input_ids": batch["input_ids"].clone()}
    text = other["input_ids"][0, :end]
    text[text != model.vlm.config.image_token_id] = 300
    other["patches"] = batch["patches"].clone()
    other["patches"][: np.prod(batch["cuts"].pictures[0])] = 0
    with torch.no_grad():
        before, after = (
            model.hidden_states(**{name: thing for name, thing in one.items() if name != "labels"})
            for one in (batch, other)
        )
    assert not torch.equal(before[0, :end], after[0, :end])
    assert torch.equal(before[0, end:], after[0, end:])


def test_no_layer_and_no_tower_reads_a_value_back_from_the_device(folder):
    """On the meta device tensors have no values: what asks for one fails, as sdpa does in the tower."""
    config = load_model(str(folder), precision="fp32", attention="sdpa").config
    grids = [(1, 20, 24), (1, 8, 36)]

    def look(attention):
        vlm = random_model(config, precision="bf16", attention=attention, device="meta")
        vision = vlm.config.vision_config
        patches = torch.empty(20 * 24 + 8 * 36, 3, vision.patch_size, vision.patch_size, dtype=torch.uint8, device=META)
        return vlm, StageModel(vlm).picture_features(patches, torch.empty(2, 3, device=META), grids)

    vlm, (features, _) = look("packed")
    assert features.shape == ((20 * 24 + 8 * 36) // 4, vlm.config.text_config.hidden_size)
    language_model = vlm.model.language_model.train()
    language_model.gradient_checkpointing_enable({"use_reentrant": False})
    states = torch.empty(
        2, 30, language_model.config.hidden_size, dtype=torch.bfloat16, device=META, requires_grad=True
    )
    positions = torch.empty(4, 2, 30, dtype=torch.long, device=META)
    segments = Segments.of([10, 20, 13, 17], META)
    out = language_model(
        inputs_embeds=states, position_ids=positions, attention_mask=None, use_cache=False, segments=segments
    )
    out.last_hidden_state.sum().backward()
    assert states.grad is not None
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        look("sdpa")


def test_no_file_of_a_checkpoint_says_packed(folder, tmp_path):
    vlm = load_model(str(folder), precision="fp32", attention="packed")
    assert vlm.model.visual.config._attn_implementation == vlm.config._attn_implementation == "packed"
    vlm.save_pretrained(tmp_path)
    for path in tmp_path.glob("*.json"):
        assert "packed" not in json.dumps(json.loads(path.read_text()))
    assert AutoModelForImageTextToText.from_pretrained(tmp_path).config._attn_implementation == "sdpa"


def test_windows_are_those_of_transformers_in_another_order():
    frames = [(32, 48), (10, 36), (16, 16), (4, 4)]
    places, lengths = window_order(frames, merge=2, side=4)
    grids = torch.tensor([(1, height, width) for height, width in frames])
    index, ends = get_vision_window_index(grids, spatial_merge_size=2, window_size=112, patch_size=14)

    def windows(order, cuts):
        return sorted(tuple(sorted(order[start // 4 : end // 4].tolist())) for start, end in pairwise(cuts))

    assert windows(places, np.cumsum([0, *lengths])) == windows(index, ends.tolist())
    assert [lengths[:24], lengths[24:33]] == [[64] * 24, [64] * 4 + [32] + [16] * 4]
    assert sorted(places) == list(range(sum(height * width for height, width in frames) // 4))


def test_a_film_is_seen_picture_by_picture(hub):
    vlm = load_model(str(hub("qwen2_5_vl")), precision="fp32", attention="packed")
    given = tower_inputs(vlm.model.visual, [(3, 4, 8)], CPU)
    assert {segments.runs for segments in given["segments"].values()} == {((3, 32),)}


class Computed(TorchDispatchMode):
    """Counts what attention really computes forward: what checkpointing takes out of its store does not come here."""

    times = 0

    def __torch_dispatch__(self, operator, _, args=(), words=None):
        self.times += operator is torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
        return operator(*args, **(words or {}))


def counted(model, batch):
    """The gradient of a micro-batch, and how often attention was computed forward."""
    with Computed() as computed:
        return gradient(model, batch), computed.times


@pytest.mark.parametrize("at_once", [7, 2048])
def test_attention_is_not_computed_again_and_pieces_of_an_mlp_change_nothing(
    folder, samples, collate, at_once, monkeypatch
):
    monkeypatch.setattr("idf.training.layers.AT_ONCE", at_once)
    model, batch = stage_model(folder, checkpointing=True), collate([samples])
    widths = []
    for layer in model.vlm.model.language_model.layers:
        layer.mlp.register_forward_hook(lambda _, inputs, __: widths.append(inputs[0].shape[1]))
    pieces, computed = counted(model, batch)
    once, needed = counted(stage_model(folder), batch)
    assert computed == needed > 0
    assert difference(pieces, once) < 1e-6
    assert max(widths) == min(at_once, batch["input_ids"].shape[1])


def test_a_towers_first_product_is_its_convolution(folder):
    plain = load_model(str(folder), precision="fp32", attention="packed")
    convolution = plain.model.visual.patch_embed.proj
    names = set(plain.state_dict())
    product = StageModel(plain).vlm.model.visual.patch_embed.proj
    patches = torch.randn(5, *convolution.weight.shape[1:])
    assert not isinstance(product, torch.nn.Conv3d)
    torch.testing.assert_close(product(patches), convolution(patches).flatten(1), rtol=1e-5, atol=1e-5)
    assert set(plain.state_dict()) == names
