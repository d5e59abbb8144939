"""The transformers backend on a tiny model with random weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from idf.backends import HFBackend, Request, Response, Sampling
from tests.backends.server import request
from tests.sentences import refused

PICTURE = np.random.default_rng(0).integers(0, 256, (56, 84, 3), dtype=np.uint8)
ASKED = [request("Which way is up?"), request("What is this?", PICTURE), request("Roll it to the right and look.")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from idf.training.tiny import make_tiny_model

    folder = tmp_path_factory.mktemp("tiny") / "model"
    texts = [
        request(f"{word} the cube, and look at the {word} face {i}") for i in range(9) for word in ("roll", "turn")
    ]
    make_tiny_model([SimpleNamespace(samples=lambda: texts)], folder, vocabulary=400)  # type: ignore[list-item]
    return folder


SAMPLING = {"max_new_tokens", "temperature", "top_p", "seed"}


def answers(model: Path, asked: list[Request] = ASKED, **changes: Any) -> list[Response]:
    sampling = Sampling(**{"max_new_tokens": 12} | {key: changes.pop(key) for key in SAMPLING & changes.keys()})
    backend = HFBackend(str(model), sampling=sampling, **{"batch_size": 8, "device": "cpu", **changes})
    found = dict(backend.generate(asked))
    return [found[i] for i in range(len(asked))]


def test_a_model_in_memory_answers_as_the_same_model_from_its_folder(model):
    from idf.training.load import load_model, load_processor

    loaded = load_model(str(model), precision="fp32", attention="sdpa"), load_processor(str(model))
    assert answers(model, loaded=loaded) == answers(model)


def texts(responses: list[Response]) -> list[str]:
    return [response.text for response in responses]


def test_every_request_gets_its_own_answer_whatever_the_batches(model):
    together = answers(model)
    assert [response.finish_reason in ("stop", "length") for response in together] == [True] * 3
    assert len(set(together)) == 3
    assert answers(model, batch_size=1) == together
    assert answers(model, ASKED[::-1], batch_size=2)[::-1] == together


def test_more_requests_than_a_look_ahead_are_all_answered(model):
    asked = [request(f"number {i}") for i in range(19)]
    assert answers(model, asked, batch_size=2, max_new_tokens=2) == answers(model, asked, max_new_tokens=2)


def test_the_same_seed_gives_the_same_texts_and_another_seed_gives_others(model):
    first = answers(model, temperature=1.0, seed=1)
    assert answers(model, temperature=1.0, seed=1) == first
    assert answers(model, temperature=1.0, seed=2) != first
    assert first != answers(model)


def test_a_sampled_text_does_not_depend_on_its_batch(model):
    together = answers(model, temperature=1.0, seed=1)
    assert answers(model, temperature=1.0, seed=1, batch_size=1) == together
    assert answers(model, ASKED[1:2], temperature=1.0, seed=1) == together[1:2]


def test_samples_of_one_prompt_differ(model):
    asked = [request("Which way is up?", sample=i) for i in range(4)]
    assert len(set(texts(answers(model, asked, temperature=1.0)))) == 4


def test_next_to_no_temperature_is_greedy(model):
    assert answers(model, temperature=1e-4) == answers(model)
    assert answers(model, temperature=1.0, top_p=1e-6) == answers(model), "only the likeliest token is left"


def test_tokens_are_drawn_with_the_probabilities_of_the_model(model):
    import torch

    backend = HFBackend(str(model), sampling=Sampling(1, 1.0), batch_size=64, device="cpu")
    logits = torch.tensor([2.0, 1.0, 0.0, -torch.inf]).repeat(4000, 1)
    draw = backend._choice([request("a", sample=i) for i in range(4000)])
    counts = draw(logits, range(4000)).bincount(minlength=4)
    expected = 4000 * logits[0].softmax(0)
    assert counts[3] == 0
    assert float(((counts - expected)[:3] ** 2 / expected[:3]).sum()) < 13.8, "chi-squared, 2 degrees, p = 0.001"


def test_requests_are_looked_up_only_when_their_turn_comes(model):
    looked_up = []

    class Requests(list):  # type: ignore[type-arg]
        def __getitem__(self, i: Any) -> Any:
            looked_up.append(i)
            return request(f"number {i}")

    replies = HFBackend(str(model), sampling=Sampling(1), batch_size=1, device="cpu").generate(Requests([None] * 20))
    next(replies)
    assert looked_up == list(range(8))
    list(replies)
    assert looked_up == list(range(20)), "each once"


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    with refused(tmp_path, "no config"):
        HFBackend(str(tmp_path), sampling=Sampling(1), batch_size=1)
    with refused("no checkpoint", tmp_path / "none"):
        HFBackend(str(tmp_path / "none"), sampling=Sampling(1), batch_size=1)


def test_a_checkpoint_without_a_chat_template_is_one_sentence(model, tmp_path):
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").unlink()
    with refused("no chat template", "chat_template.jinja"):
        HFBackend(str(tmp_path / "model"), sampling=Sampling(1), batch_size=1)


# --- counting before asking --------------------------------------------------------------------------------------


def test_a_prompt_is_counted_as_it_will_be(model):
    backend = HFBackend(str(model), sampling=Sampling(2), batch_size=3, device="cpu")
    for i, response in backend.generate(ASKED):
        picture = ASKED[i].picture
        size = None if picture is None else (picture.shape[1], picture.shape[0])
        assert backend.count(ASKED[i].messages, size) == (response.prompt_tokens, True)


# --- adapters ----------------------------------------------------------------------------------------------------


@pytest.fixture
def adapter(model: Path, tmp_path: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(0)
    plain = AutoModelForImageTextToText.from_pretrained(model)
    config = LoraConfig(r=2, target_modules=r".*language_model\.layers\.\d+\.mlp\.up_proj", init_lora_weights=False)
    wrapped = get_peft_model(plain, config)
    wrapped.save_pretrained(tmp_path / "adapter")
    wrapped.merge_and_unload().save_pretrained(tmp_path / "merged")
    return tmp_path / "adapter"


def test_a_folder_of_adapters_answers_as_the_merged_model_does(model, adapter):
    import torch

    with_adapters = HFBackend(str(adapter), sampling=Sampling(12), batch_size=8, device="cpu").model.state_dict()
    base = HFBackend(str(model), sampling=Sampling(12), batch_size=8, device="cpu").model.state_dict()
    differ = [name for name in base if not torch.equal(base[name], with_adapters[name])]
    assert differ
    assert all("up_proj" in name for name in differ)
    from safetensors.torch import load_file

    merged = load_file(adapter.parent / "merged" / "model.safetensors")
    for name in differ:
        (same,) = [tensor for key, tensor in merged.items() if name.endswith(key.removeprefix("model."))]
        assert torch.allclose(same, with_adapters[name], atol=1e-6)


def test_adapters_that_do_not_fit_are_refused_rather_than_left_out(adapter):
    from safetensors.torch import load_file, save_file

    tensors = load_file(adapter / "adapter_model.safetensors")
    tensors.pop(next(iter(tensors)))
    save_file(tensors, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
    with refused("adapters", "not fit", "base model", "1 tensor"):
        HFBackend(str(adapter), sampling=Sampling(2), batch_size=1, device="cpu")


def test_adapters_whose_base_is_gone_are_one_sentence(adapter):
    path = adapter / "adapter_config.json"
    path.write_text(path.read_text().replace('"base_model_name_or_path": "', '"base_model_name_or_path": "/nowhere'))
    with refused("base model", adapter, "/nowhere/", "adapter_config.json"):
        HFBackend(str(adapter), sampling=Sampling(2), batch_size=1, device="cpu")
