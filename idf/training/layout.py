"""Model folders as they are written: how the base lies on disk, with the trained weights in the place of those it had.

So names, shards, config, tokenizer, processor and chat template are the base's, and whatever reads the base reads what was
trained from it: other versions of transformers, vLLM, the tools of others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor, nn

from idf.backends import share_weights, tensor_headers
from idf.errors import UserError

from .both_forms import CONFIG, in_both_forms, say_dtype, say_tied, small_files
from .hub import base_folder

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
_HEAD = "lm_head.weight"


@dataclass(frozen=True)
class Layout:
    """How a model lies on disk.

    Attributes:
        name: The model's name, for messages.
        files: Its small files by name, as both versions of transformers read them: config, tokenizer, processor, template.
        shards: Name of a tensor in the files -> the file that holds it.
    """

    name: str
    files: Mapping[str, bytes]
    shards: Mapping[str, str]

    def names_in_files(self, vlm: nn.Module) -> dict[str, str]:
        """Name of a weight in memory -> its name in the files.

        A tied tensor has two names in memory; files hold one of them, or both. Only a head can be new: that of a model whose
        head was tied, and no longer is.

        Args:
            vlm: The model, which may have adapters in it; under ZeRO-3 its weights may be cut up.

        Raises:
            UserError: The files have no place for a weight of the model.
        """
        tied = share_weights(vlm)
        names = {}
        for name in self._weights(vlm):
            key = self._older(name)
            if key in self.shards or (name == _HEAD and not tied):
                names[name] = key
            elif name != _HEAD:
                raise UserError(f"{self.name} has no place for {name} of the trained model")
        return names

    def unknown_to(self, vlm: nn.Module) -> list[str]:
        """Names of tensors in the files that are no weight of the model, such as buffers that old versions wrote."""
        return sorted(self.shards.keys() - {self._older(name) for name in self._weights(vlm)})

    def _weights(self, vlm: nn.Module) -> list[str]:
        """Names of a model's weights without its adapters; both names of a tied one."""
        names = (name for name, _ in vlm.named_parameters(remove_duplicate=False) if ".lora_" not in name)
        return [name.replace(".base_layer.", ".") for name in names]

    def _older(self, name: str) -> str:
        """A weight's name as files have it: Qwen2-VL's and Qwen2.5-VL's may be older than the names in memory."""
        older = name.replace("model.language_model.", "model.", 1).replace("model.visual.", "visual.", 1)
        return older if older in self.shards else name


def read_layout(model: str) -> Layout:
    """How a base model lies on disk; of its weights, only headers are read.

    Args:
        model: A local folder, or a hub name whose files are in the cache.

    Raises:
        UserError: It holds no safetensors, or a file is broken.
    """
    folder = base_folder(model)
    shards = {key: header.file.name for key, header in tensor_headers(folder, model).items()}
    return Layout(model, in_both_forms(small_files(folder)), shards)


def write_model(
    layout: Layout,
    vlm: nn.Module,
    out: Path,
    state: Mapping[str, Tensor] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write a complete Hugging Face folder, one shard after the other; the marker `idf.json` comes last.

    Weights are written in the type in which they are, and the config says so; it says "tied" if head and embedding are one.

    Args:
        layout: How the base lies on disk.
        vlm: The trained model.
        out: An empty folder, or one to make.
        state: Weights under the model's names, if they had to be gathered (ZeRO-3) or merged; None to take its own.
        facts: What `idf.json` says of a checkpoint: recipe, data, parent, versions. None for a model that is none.

    Raises:
        UserError: The base has no place for a weight of the model.
    """
    names = layout.names_in_files(vlm)
    state = vlm.state_dict() if state is None else state
    out.mkdir(parents=True, exist_ok=True)
    last = sorted(layout.shards.values())[-1]
    shards: dict[str, dict[str, str]] = {file: {} for file in sorted(set(layout.shards.values()))}
    for name, key in names.items():
        shards[layout.shards.get(key, last)][key] = name
    for file, held in shards.items():
        # A copy each: safetensors writes no two tensors that share memory, and a GPU holds no second model.
        tensors = {key: state[name].detach().to("cpu", copy=True).contiguous() for key, name in sorted(held.items())}
        save_file(tensors, out / file, metadata={"format": "pt"})
    for file, text in layout.files.items():
        (out / file).write_bytes(text)
    if set(shards) != {SINGLE}:
        size = sum(state[name].numel() * state[name].element_size() for name in names)
        where = {key: file for file, held in shards.items() for key in sorted(held)}
        index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(where.items()))}
        (out / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    config: dict[str, Any] = json.loads(layout.files[CONFIG])
    say_dtype(config, str(state[next(iter(names))].dtype).removeprefix("torch."))
    say_tied(config, share_weights(vlm))
    (out / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    if facts is not None:
        (out / "idf.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
