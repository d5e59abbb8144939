"""The vLLM backend against a stand-in that takes the calls of the real vLLM, and no others (`test_vllm_real.py` has the real)."""

from __future__ import annotations

import base64
import os
import sys
from types import ModuleType
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from idf.backends import Response, Sampling, VLLMBackend, seed_of
from idf.drawing import decode_png
from tests.backends.server import collect, request
from tests.backends.vllm_interface import LLM, REAL, EngineDeadError, SamplingParams, platform
from tests.sentences import refused, says


@pytest.fixture(autouse=True)
def vllm(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    names = ("vllm", "vllm.platforms", "vllm.v1", "vllm.v1.engine", "vllm.v1.engine.exceptions")
    modules = {name: ModuleType(name) for name in names}
    modules["vllm"].LLM, modules["vllm"].SamplingParams = LLM, SamplingParams  # type: ignore[attr-defined]
    modules["vllm.platforms"].current_platform = platform("cuda", (9, 0))  # type: ignore[attr-defined]
    modules["vllm.v1.engine.exceptions"].EngineDeadError = EngineDeadError  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(LLM, "made", [])
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "0")
    return modules


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
    assert llm.asked_for == {
        "model": "a/model",
        "tensor_parallel_size": 4,
        "dtype": "bfloat16",
        "enforce_eager": False,
        "load_format": "safetensors",
        "seed": 3,
        "max_model_len": 4096,
        "limit_mm_per_prompt": {"image": 1},
    }
    assert llm.settings["trust_remote_code"] is False


def test_what_a_checkpoint_says_of_sampling_does_not_count_for_vllm_in_this_process():
    list(VLLMBackend("a/model", sampling=Sampling(9, temperature=2)).generate([request("a")]))
    ((_, (params,)),) = LLM.made[0].chats
    neutral = {"top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0}
    assert {key: getattr(params, key) for key in neutral} == neutral


@pytest.mark.parametrize("dtype", get_args(get_type_hints(VLLMBackend.__init__)["dtype"]))
def test_a_model_computes_in_the_numbers_and_the_way_asked_for(dtype):
    VLLMBackend("a/model", sampling=Sampling(9), dtype=dtype, enforce_eager=True)
    (llm,) = LLM.made
    assert (llm.settings["dtype"], llm.settings["enforce_eager"]) == (dtype, True)
    assert dtype in REAL["names"]["ModelDType"]


def test_numbers_that_vllm_does_not_know_are_refused_before_anything_is_loaded():
    with refused("dtype", "'bf16'", "auto, bfloat16, float16, float32"):
        VLLMBackend("a/model", sampling=Sampling(9), dtype="bf16")  # type: ignore[arg-type]
    assert not LLM.made


def on(vllm: dict[str, ModuleType], *machine: Any) -> None:
    vllm["vllm.platforms"].current_platform = platform(*machine)  # type: ignore[attr-defined]


@pytest.mark.parametrize("machine", [("cuda", (8, 0)), ("cuda", (9, 0)), ("cuda", (10, 0)), ("rocm",)])
def test_where_batches_can_be_made_not_to_matter_vllm_is_told_so(vllm, machine, capsys):
    on(vllm, *machine)
    VLLMBackend("a/model", sampling=Sampling(9), deterministic=True)
    assert os.environ["VLLM_BATCH_INVARIANT"] == "1"
    assert len(LLM.made) == 1
    assert not capsys.readouterr().err


@pytest.mark.parametrize(("machine", "found"), [(("cuda", (7, 5)), "7.5"), (("cpu",), "CPU")])
@pytest.mark.parametrize("asked", ["as a keyword", "in the environment"])
def test_where_they_matter_in_any_case_that_is_refused_before_anything_is_loaded(
    vllm, monkeypatch, machine, found, asked
):
    on(vllm, *machine)
    if asked == "in the environment":
        monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")
    with refused("--deterministic", "compute capability 8.0", found):
        VLLMBackend("a/model", sampling=Sampling(9), deterministic=asked == "as a keyword")
    assert not LLM.made


def test_a_gpu_that_does_not_tell_its_capability_is_warned_about(vllm, capsys):
    on(vllm, "cuda", None)
    VLLMBackend("a/model", sampling=Sampling(9), deterministic=True)
    says(capsys.readouterr().err, "warning", "--deterministic", "compute capability 8.0", "not known")
    assert len(LLM.made) == 1


def test_without_vllm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with refused("vLLM", "pip install 'idf[vllm]'"):
        VLLMBackend("a/model", sampling=Sampling(9))


def test_a_model_that_cannot_be_loaded_is_one_sentence():
    with refused("vLLM cannot load", "no/model", "no such model"):
        VLLMBackend("no/model", sampling=Sampling(9))


def test_an_engine_that_does_not_start_is_one_sentence():
    with refused("vLLM cannot load", "no/room", "Engine core initialization failed"):
        VLLMBackend("no/room", sampling=Sampling(9))


def test_an_engine_that_ends_is_one_sentence_after_what_came_before():
    seen: list[tuple[int, Response]] = []
    backend = VLLMBackend("a/model", sampling=Sampling(9), batch_size=1)
    with refused("vLLM", "engine ended", "1 prompts", "same command again"):
        collect(backend.generate([request("a"), request("deadly")]), seen)
    assert [i for i, _ in seen] == [0]


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    with refused(tmp_path, "no config"):
        VLLMBackend(str(tmp_path), sampling=Sampling(9))


def test_a_prompt_that_is_too_long_is_one_sentence_after_what_came_before():
    seen: list[tuple[int, Response]] = []
    backend = VLLMBackend("a/model", sampling=Sampling(9), batch_size=1)
    with refused("vLLM", "prompt", "longer than the maximum model length"):
        collect(backend.generate([request("a"), request("long")]), seen)
    assert [i for i, _ in seen] == [0]
