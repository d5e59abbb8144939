"""A stand-in for vLLM, held to what the real one takes and gives (`vllm_signatures.json`, by tools/vllm_signatures.py)."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FILE = Path(__file__).with_name("vllm_signatures.json")
REAL: dict[str, Any] = json.loads(FILE.read_text())


def bound(call: str, *given: Any, **named: Any) -> dict[str, Any]:
    """The arguments of a call as the real vLLM would see them, defaults included.

    Raises:
        TypeError: It would refuse the call.
    """
    signature = inspect.Signature(
        [
            inspect.Parameter(
                name, getattr(inspect.Parameter, told["kind"]), default=told.get("default", inspect.Parameter.empty)
            )
            for name, told in REAL["calls"][call].items()
        ]
    )
    arguments = signature.bind(*given, **named)
    arguments.apply_defaults()
    return dict(arguments.arguments)


class _Made(SimpleNamespace):
    """An object of the real vLLM, as far as what it was made from goes."""

    call = ""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(**bound(self.call, *given, **named))


class SamplingParams(_Made):
    call = "SamplingParams"


class CompletionOutput(_Made):
    call = "CompletionOutput"


class RequestOutput(_Made):
    call = "RequestOutput"


class EngineDeadError(Exception):
    def __init__(self, *given: Any, **named: Any) -> None:
        bound("EngineDeadError", *given, **named)
        super().__init__("EngineCore encountered an issue. See stack trace (above) for the root cause.")


class LLM:
    """What takes the calls of the real LLM and no others, and repeats the last text that it is asked."""

    made: list[LLM] = []

    def __init__(self, *given: Any, **named: Any) -> None:
        arguments = bound("LLM", *given, **named)
        engine = arguments.pop("kwargs", {})
        if unknown := set(engine) - set(REAL["names"]["EngineArgs"]):
            raise TypeError(f"EngineArgs.__init__() got an unexpected keyword argument {sorted(unknown)[0]!r}")
        self.asked_for = named
        self.settings = arguments | engine
        model = self.settings["model"]
        patch = {"another/kind": None, "a/model-of-32": 16}.get(model, 14)
        config = SimpleNamespace(vision_config=SimpleNamespace(patch_size=patch, spatial_merge_size=2))
        facts = {"hf_config": config if patch else SimpleNamespace(), "max_model_len": 4096}
        assert facts.keys() <= set(REAL["names"]["ModelConfig"])
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(**facts))
        self.chats: list[tuple[Any, Any]] = []
        LLM.made.append(self)
        if model == "no/model":
            raise ValueError("no such\nmodel")
        if model == "no/room":
            raise RuntimeError("Engine core initialization failed. See root cause above. Failed core proc(s): {}")

    def chat(self, *given: Any, **named: Any) -> list[RequestOutput]:
        arguments = bound("LLM.chat", *given, **named)
        messages, params = arguments["messages"], arguments["sampling_params"]
        assert isinstance(params, list), "one for each conversation"
        assert len(messages) == len(params)
        self.chats.append((messages, params))
        outputs = []
        for i, conversation in enumerate(messages):
            asked = conversation[-1]["content"][-1]["text"]
            if asked == "long":
                raise ValueError("The decoder prompt (length 9) is longer than\nthe maximum model length of 4.")
            if asked == "deadly":
                raise EngineDeadError
            said = CompletionOutput(0, f"re: {asked}", [1, 2, 3], None, None, finish_reason="length")
            outputs.append(RequestOutput(str(i), None, [7] * 11, None, [said], True))
        return outputs


def platform(kind: str, capability: tuple[int, int] | None = None) -> Any:
    """A `vllm.platforms.current_platform`.

    Args:
        kind: "cpu", "cuda" or "rocm".
        capability: The compute capability of its first GPU.
    """
    calls = {f"is_{name}": (lambda name=name: name == kind) for name in ("cpu", "cuda", "rocm")}
    number = None if capability is None else SimpleNamespace(**dict(zip(("major", "minor"), capability)))
    assert REAL["names"]["DeviceCapability"] == ["major", "minor"]
    calls["get_device_capability"] = lambda: number
    assert calls.keys() <= set(REAL["names"]["Platform"])
    return SimpleNamespace(**calls)
