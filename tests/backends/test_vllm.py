"""The vLLM backend against a module with the signatures of vLLM 0.9 to 0.11."""

from __future__ import annotations

import base64
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from idf.backends import Response, Sampling, VLLMBackend, seed_of
from idf.drawing import decode_png
from tests.backends.server import collect, request
from tests.sentences import refused


@dataclass
class SamplingParams:
    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list[int]
    cumulative_logprob: float | None
    logprobs: Any
    finish_reason: str | None = None
    stop_reason: int | str | None = None


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list[int] | None
    prompt_logprobs: Any
    outputs: list[CompletionOutput]
    finished: bool


class LLM:
    made: list[LLM] = []

    def __init__(
        self,
        model: str,
        *,
        tokenizer: str | None = None,
        trust_remote_code: bool = False,
        tensor_parallel_size: int = 1,
        dtype: str = "auto",
        seed: int | None = None,
        gpu_memory_utilization: float = 0.9,
        enforce_eager: bool = False,
        mm_processor_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        assert set(kwargs) <= {"load_format", "max_model_len", "limit_mm_per_prompt"}, (
            "the only engine arguments in use"
        )
        self.settings = {"model": model, "gpus": tensor_parallel_size, "dtype": dtype, "seed": seed, **kwargs}
        self.trusts = trust_remote_code
        patch = {"another/kind": None, "a/model-of-32": 16}.get(model, 14)
        config = SimpleNamespace(vision_config=SimpleNamespace(patch_size=patch, spatial_merge_size=2))
        self.llm_engine = SimpleNamespace(
            model_config=SimpleNamespace(hf_config=config if patch else SimpleNamespace(), max_model_len=4096)
        )
        self.chats: list[tuple[Any, Any]] = []
        LLM.made.append(self)
        if model == "no/model":
            raise ValueError("no such\nmodel")

    def chat(
        self,
        messages: list[list[dict[str, Any]]],
        sampling_params: list[SamplingParams] | None = None,
        use_tqdm: bool = True,
        lora_request: Any = None,
        chat_template: str | None = None,
        chat_template_content_format: str = "auto",
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        tools: list[dict[str, Any]] | None = None,
        chat_template_kwargs: dict[str, Any] | None = None,
        mm_processor_kwargs: dict[str, Any] | None = None,
    ) -> list[RequestOutput]:
        assert sampling_params is not None
        assert len(messages) == len(sampling_params)
        self.chats.append((messages, sampling_params))
        outputs = []
        for i, conversation in enumerate(messages):
            asked = conversation[-1]["content"][-1]["text"]
            if asked == "long":
                raise ValueError("The decoder prompt (length 9) is longer than\nthe maximum model length of 4.")
            said = CompletionOutput(0, f"re: {asked}", [1, 2, 3], None, None, "length")
            outputs.append(RequestOutput(str(i), None, [7] * 11, None, [said], True))
        return outputs


@pytest.fixture(autouse=True)
def vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("vllm")
    module.LLM, module.SamplingParams = LLM, SamplingParams  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setattr(LLM, "made", [])


def test_every_request_gets_its_own_answer_with_its_counts():
    backend = VLLMBackend("a/model", sampling=Sampling(9), batch_size=2)
    found = dict(backend.generate([request(text) for text in "abcde"]))
    assert found == {i: Response(f"re: {text}", 11, 3, "length") for i, text in enumerate("abcde")}
    assert [len(messages) for messages, _ in LLM.made[0].chats] == [2, 2, 1]
    assert backend.name == "vllm:a/model"


def test_each_request_is_sampled_with_its_own_seed():
    sampling = Sampling(9, temperature=0.7, top_p=0.8, seed=5)
    asked = [request("a", sample=0), request("a", sample=1)]
    list(VLLMBackend("a/model", sampling=sampling).generate(asked))
    ((_, params),) = LLM.made[0].chats
    assert params == [
        SamplingParams(temperature=0.7, top_p=0.8, max_tokens=9, seed=seed_of(sampling, each)) for each in asked
    ]
    assert params[0].seed != params[1].seed


def test_greedy_needs_no_seed():
    list(VLLMBackend("a/model", sampling=Sampling(9)).generate([request("a")]))
    ((_, params),) = LLM.made[0].chats
    assert params == [SamplingParams(temperature=0.0, max_tokens=9)]


def test_pictures_are_in_the_messages():
    picture = np.random.default_rng(0).integers(0, 256, (56, 84, 3), dtype=np.uint8)
    list(VLLMBackend("a/model", sampling=Sampling(9)).generate([request("a", picture)]))
    ((((message,),), _),) = LLM.made[0].chats
    image, text = message["content"]
    assert text == {"type": "text", "text": "a"}
    data = image["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert np.array_equal(decode_png(base64.b64decode(data)), picture)


def test_a_model_that_sees_32_pixels_as_one_token_gets_a_margin_and_no_resampling():
    picture = np.random.default_rng(0).integers(0, 256, (56, 84, 3), dtype=np.uint8)
    list(VLLMBackend("a/model-of-32", sampling=Sampling(9)).generate([request("a", picture)]))
    ((((message,),), _),) = LLM.made[0].chats
    seen = decode_png(
        base64.b64decode(message["content"][0]["image_url"]["url"].removeprefix("data:image/png;base64,"))
    )
    assert seen.shape == (64, 96, 3)
    assert np.array_equal(seen[:56, :84], picture)
    assert (seen[56:] == 255).all()
    assert (seen[:, 84:] == 255).all()


def test_a_model_of_another_kind_gets_the_picture_as_it_is():
    picture = np.zeros((50, 70, 3), dtype=np.uint8)
    list(VLLMBackend("another/kind", sampling=Sampling(9)).generate([request("a", picture)]))
    ((((message,),), _),) = LLM.made[0].chats
    seen = decode_png(
        base64.b64decode(message["content"][0]["image_url"]["url"].removeprefix("data:image/png;base64,"))
    )
    assert seen.shape == picture.shape


def test_the_model_is_loaded_as_asked_and_never_runs_its_own_code():
    VLLMBackend("a/model", sampling=Sampling(9, seed=3), gpus=4, max_model_len=4096)
    (llm,) = LLM.made
    assert llm.settings == {
        "model": "a/model",
        "gpus": 4,
        "dtype": "bfloat16",
        "load_format": "safetensors",
        "seed": 3,
        "max_model_len": 4096,
        "limit_mm_per_prompt": {"image": 1},
    }
    assert not llm.trusts


def test_without_vllm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with refused("vLLM", "pip install 'idf[vllm]'"):
        VLLMBackend("a/model", sampling=Sampling(9))


def test_a_model_that_cannot_be_loaded_is_one_sentence():
    with refused("vLLM cannot load", "no/model", "no such model"):
        VLLMBackend("no/model", sampling=Sampling(9))


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    with refused(tmp_path, "no config"):
        VLLMBackend(str(tmp_path), sampling=Sampling(9))


def test_a_prompt_that_is_too_long_is_one_sentence_after_what_came_before():
    seen: list[tuple[int, Response]] = []
    backend = VLLMBackend("a/model", sampling=Sampling(9), batch_size=1)
    with refused("vLLM", "prompt", "longer than the maximum model length"):
        collect(backend.generate([request("a"), request("long")]), seen)
    assert [i for i, _ in seen] == [0]
