"""Writes down what idf's vLLM backend relies on, from the vLLM that is installed: the stand-in of the fast tests is held to it.

    .venv-vllm/bin/python tools/vllm_signatures.py > tests/backends/vllm_signatures.json

`bash launch/serve.sh --install` makes that environment. `launch/test.sh --all` looks whether the file is still what this prints.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args


def main() -> None:
    """Print the signatures as JSON."""
    import vllm
    from vllm.config.model import ModelConfig, ModelDType
    from vllm.engine.arg_utils import EngineArgs
    from vllm.outputs import CompletionOutput, RequestOutput
    from vllm.platforms.interface import DeviceCapability, Platform
    from vllm.v1.engine.exceptions import EngineDeadError

    found = {
        "vllm": vllm.__version__,
        "calls": {
            "LLM": parameters(vllm.LLM.__init__),
            "LLM.chat": parameters(vllm.LLM.chat),
            "SamplingParams": parameters(vllm.SamplingParams),
            "CompletionOutput": parameters(CompletionOutput),
            "RequestOutput": parameters(RequestOutput.__init__),
            "EngineDeadError": parameters(EngineDeadError.__init__),
        },
        "names": {
            "EngineArgs": sorted(field.name for field in fields(EngineArgs)),  # what LLM passes its other keywords to
            "ModelConfig": sorted(field.name for field in fields(ModelConfig)),
            "ModelDType": sorted(get_args(ModelDType)),
            "Platform": sorted(name for name in dir(Platform) if name.startswith(("is_", "get_device"))),
            "DeviceCapability": list(DeviceCapability._fields),
        },
    }
    print(one_line_each(found))


def one_line_each(found: dict[str, Any]) -> str:
    """JSON with a line for each call and each list of names, so that a newer vLLM shows in few lines what it changed."""
    parts = [f' "vllm": {json.dumps(found["vllm"])}']
    for group in ("calls", "names"):
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(told)}" for name, told in found[group].items())
        parts.append(f' "{group}": {{\n{lines}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}"


def parameters(call: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """The parameters of a callable: each one's kind, and its default if it is a plain value."""
    told: dict[str, dict[str, Any]] = {}
    for name, parameter in inspect.signature(call).parameters.items():
        if name == "self":
            continue
        told[name] = {"kind": parameter.kind.name}
        if parameter.default is not inspect.Parameter.empty:
            plain = parameter.default is None or type(parameter.default) in (bool, int, float, str)
            told[name]["default"] = parameter.default if plain else "..."
    return told


if __name__ == "__main__":
    main()
