"""The decode loop beside transformers' own, on tiny models of three families."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers.cache_utils import DynamicCache

from idf.backends import HFBackend, Request, Response, Sampling
from idf.backends.decoding import GrowingLayer
from idf.drawing import on_grid
from tests.backends.server import request
from tests.sentences import refused

LIMIT = 40
FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


ASKED = [
    request("Which way is up?"),
    request("What is this?", picture(64, 128)),
    request("Roll it to the right and look at the face. " * 4),
    request("Count the colours of the cube.", picture(192, 160)),
    request("Turn."),
    request("And this, how often must it be turned until it is blue?", picture(96, 96)),
    request("Look at the cube, and tell the way."),
]


@pytest.fixture(scope="module", params=FAMILIES)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HFBackend:
    return tiny(tmp_path_factory.mktemp(request.param) / "model", request.param)


def tiny(folder: Path, family: str) -> HFBackend:
    from idf.training.tiny import make_tiny_model

    said = SimpleNamespace(samples=lambda: ASKED)
    make_tiny_model([said], folder, vocabulary=400, family=family)  # type: ignore[list-item]
    backend = HFBackend(str(folder), sampling=Sampling(LIMIT), batch_size=8, device="cpu")
    # As it is made, the model repeats the last token. With larger weights and a head of its own every row says something else.
    torch.manual_seed(0)
    model = backend.model
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    with torch.no_grad():
        for weight in model.model.language_model.layers.parameters():
            weight.mul_(3 if weight.dim() == 2 else 1)
    return backend


def inputs_of(backend: HFBackend, asked: list[Request]) -> Any:
    pictures = [on_grid(one.picture, backend._grid) for one in asked if one.picture is not None]
    return backend.processor(
        text=[backend.render(one) for one in asked],
        images=pictures or None,
        padding=True,
        return_tensors="pt",
        do_resize=False,
    )


def by_transformers(backend: HFBackend, asked: list[Request], limit: int = LIMIT) -> list[list[int]]:
    """Tokens by the loop of transformers, end token included."""
    inputs = inputs_of(backend, asked)
    with torch.inference_mode():
        out = backend.model.generate(**inputs, max_new_tokens=limit, do_sample=False)
    ends = set(backend.model.generation_config.eos_token_id)
    said = []
    for row in out[:, inputs["input_ids"].shape[1] :].tolist():
        stop = next((i for i, token in enumerate(row) if token in ends), None)
        said.append(row if stop is None else row[: stop + 1])
    return said


@pytest.fixture
def ends(backend: HFBackend) -> Iterator[list[int]]:
    """End tokens at which some rows end early, one at its first token, and some not at all; returns what each row says."""
    config = backend.model.generation_config
    usual = config.eos_token_id
    free = by_transformers(backend, ASKED)
    config.eos_token_id = [*usual, free[4][0], free[1][9], free[2][20]]
    yield by_transformers(backend, ASKED)
    config.eos_token_id = usual


def answers(backend: HFBackend, asked: list[Request], **sampling: Any) -> list[Response]:
    usual, backend.sampling = backend.sampling, Sampling(**{"max_new_tokens": LIMIT} | sampling)
    found = dict(backend.generate(asked))
    backend.sampling = usual
    return [found[i] for i in range(len(asked))]


def text(backend: HFBackend, ids: list[int]) -> str:
    return str(backend.processor.tokenizer.decode(ids, skip_special_tokens=True))


def test_tokens_are_those_of_transformers_though_rows_end_at_different_steps(backend, ends):
    lengths = [len(ids) for ids in ends]
    assert lengths[4] == 1
    assert len(set(lengths)) >= 3
    found = answers(backend, ASKED)
    assert [one.completion_tokens for one in found] == lengths
    assert [one.text for one in found] == [text(backend, ids) for ids in ends]
    known = set(backend.model.generation_config.eos_token_id)
    assert [one.finish_reason for one in found] == ["stop" if ids[-1] in known else "length" for ids in ends]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_says_what_it_says_alone(backend, ends, temperature):
    together = answers(backend, ASKED, temperature=temperature, seed=3)
    assert together == [answers(backend, [one], temperature=temperature, seed=3)[0] for one in ASKED]


def test_one_token_is_enough(backend):
    found = answers(backend, ASKED, max_new_tokens=1)
    assert [one.text for one in found] == [text(backend, ids) for ids in by_transformers(backend, ASKED, 1)]
    assert {(one.completion_tokens, one.finish_reason) for one in found} == {(1, "length")}


@pytest.fixture
def watched(backend: HFBackend) -> Iterator[list[tuple[int, int]]]:
    """Rows, and tokens of the cache, after each step."""
    seen: list[tuple[int, int]] = []

    def watch(model: Any, args: Any, kwargs: Any, out: Any) -> None:
        (cache,) = (value for value in kwargs.values() if isinstance(value, DynamicCache))
        seen.append((len(kwargs["input_ids"]), cache.get_seq_length()))

    hook = backend.model.register_forward_hook(watch, with_kwargs=True)
    yield seen
    hook.remove()


def test_a_row_leaves_when_it_has_ended(backend, ends, watched):
    answers(backend, ASKED)
    assert [rows for rows, _ in watched] == [sum(len(ids) > step for ids in ends) for step in range(LIMIT)]


def test_padding_goes_with_the_longest_prompt(backend, monkeypatch, watched):
    longest, short = ASKED[3], ASKED[0]
    config = backend.model.generation_config
    monkeypatch.setattr(config, "eos_token_id", [*config.eos_token_id, by_transformers(backend, [longest], 1)[0][0]])
    watched.clear()
    found = answers(backend, [longest, short])
    assert found[0].completion_tokens == 1 < found[1].completion_tokens
    tokens = [found[0].prompt_tokens, *(found[1].prompt_tokens + step for step in range(1, found[1].completion_tokens))]
    assert watched == list(zip([2, *[1] * len(tokens)], tokens, strict=False))


def test_settings_of_the_checkpoint_hold(backend, monkeypatch):
    monkeypatch.setattr(backend.model.generation_config, "no_repeat_ngram_size", 2)
    expected = by_transformers(backend, ASKED)
    pairs = [list(zip(ids, ids[1:], strict=False)) for ids in expected]
    assert all(len(set(of)) == len(of) for of in pairs)
    assert [one.text for one in answers(backend, ASKED)] == [text(backend, ids) for ids in expected]


# --- the cache ---------------------------------------------------------------------------------------------------


def test_a_growing_layer_holds_what_a_dynamic_one_holds():
    torch.manual_seed(0)
    plain, growing = DynamicCache().layer_class_to_replicate(), GrowingLayer(most=400)
    blocks: list[torch.UntypedStorage] = []  # held, so that no block gets an address that another one had
    for tokens in (100, *[1] * 290):
        keys, values = torch.randn(3, 2, tokens, 4), torch.randn(3, 2, tokens, 6)
        for mine, theirs in zip(growing.update(keys, values), plain.update(keys, values), strict=True):
            assert torch.equal(mine, theirs)
        block = growing.keys.untyped_storage()
        if not blocks or block.data_ptr() != blocks[-1].data_ptr():
            blocks.append(block)
    assert len(blocks) == 3, "at 1, at 229 and at 358 tokens: for a block, not for each"
    rows = torch.tensor([0, 2])
    growing.keep(rows, 7)
    for mine, theirs in ((growing.keys, plain.keys), (growing.values, plain.values)):
        assert torch.equal(mine, theirs[rows][:, :, 7:])
    new = torch.randn(2, 2, 1, 4), torch.randn(2, 2, 1, 6)
    growing.update(*new)
    assert torch.equal(growing.keys[:, :, -1:], new[0])
    assert growing.get_seq_length() == 391 - 7


def test_a_layer_reserves_no_more_than_will_be_said():
    layer = GrowingLayer(most=12)
    layer.update(torch.zeros(1, 1, 10, 4), torch.zeros(1, 1, 10, 4))
    assert layer.keys.untyped_storage().nbytes() == 12 * 4 * 4


# --- models that do not fit --------------------------------------------------------------------------------------


def test_a_model_without_a_cache_is_refused(backend, monkeypatch):
    monkeypatch.setattr(backend.model.generation_config, "use_cache", False)
    with refused(type(backend.model).__name__, "cache", "--backend openai"):
        answers(backend, ASKED)


def test_an_input_whose_rows_are_unknown_is_refused(backend, monkeypatch):
    prepare = backend.model.prepare_inputs_for_generation

    def prepared(*args: Any, **kwargs: Any) -> Any:
        return prepare(*args, **kwargs) | {"picture_mask": torch.ones(len(ASKED), 1)}

    monkeypatch.setattr(backend.model, "prepare_inputs_for_generation", prepared)
    with refused(type(backend.model).__name__, "picture_mask", "--backend openai"):
        answers(backend, ASKED)


def test_a_device_without_room_is_one_sentence(backend, monkeypatch):
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(backend.model.model, "forward", forward)
    with refused("no room for 7 prompts", "--batch-size 3"):
        answers(backend, ASKED)
