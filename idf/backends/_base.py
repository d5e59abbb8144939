"""What lies in a model folder, told from its config and the headers of its files before any weight is read."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.errors import UserError

# Files name parts as they were called when the family was first published; in memory they have newer names.
_OLDER_NAMES = {"qwen2_vl": True, "qwen2_5_vl": True, "qwen3_vl": False}
"""Families whose tensors are compared with their files -> whether files may have the older names."""

_WHOLE = {"F64", "F32", "F16", "BF16"}
"""Kinds of numbers that weights have which are not quantised, as safetensors calls them."""

_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class TensorHeader:
    """What a safetensors file says of one of its tensors.

    Attributes:
        shape: Its shape.
        dtype: Its kind of numbers, as safetensors calls it: "F32", "BF16", "I32".
        file: The file that holds it.
        span: Its first byte in that file, and the one after its last.
    """

    shape: tuple[int, ...]
    dtype: str
    file: Path
    span: tuple[int, int]


def check_base(name: str, *, source: str | None = None, quantised: bool = False) -> None:
    """Refuse a model that cannot be trained, merged into or asked as it stands; no weight is read.

    Of a hub name, the config is looked at, and the files as far as the cache holds all of them.

    Args:
        name: A local folder or a hub name, for messages.
        source: Where to read it, if not under its name.
        quantised: Whether quantised weights are welcome; what they hold is not looked at then.

    Raises:
        UserError: It is quantised, has no safetensors, lacks weights, or has some of another shape than its config says.
    """
    folder = Path(source or name)
    local = folder.is_dir()
    if local and not (folder / "config.json").exists():
        raise UserError(f"{name} holds no config (config.json): is the folder complete?")
    config = _config(source or name, name)
    method = _quantised_by(config.to_dict())
    if method is not None and quantised:
        return
    if method is not None:
        raise UserError(_says_quantised(name, method))
    if not local:
        found = _cached(name)
        if found is None:
            return
        folder = found
    headers = tensor_headers(folder, name)
    other = sorted(key for key, header in headers.items() if header.dtype not in _WHOLE)
    if other and quantised:
        return
    if other:
        raise UserError(_says_quantised(name, f"{other[0]} is of type {headers[other[0]].dtype}"))
    if config.model_type in _OLDER_NAMES:
        _compare(name, config, headers)


def check_loaded(info: Mapping[str, Any], name: str) -> None:
    """Refuse a model that transformers has loaded, if a part of it holds random numbers.

    Args:
        info: What `output_loading_info` gives, of a load with `ignore_mismatched_sizes`.
        name: The model's name.

    Raises:
        UserError: Its files lack weights, or have some of another shape.
    """
    if missing := sorted(info["missing_keys"]):
        raise UserError(_says_lacking(name, missing))
    if other := sorted(info["mismatched_keys"]):
        key, *shapes = other[0]
        raise UserError(_says_other_shape(name, key, *(tuple(shape) for shape in shapes)))


def own_head(folder: Path) -> bool:
    """Whether the files of a model hold a head that is not its embedding, whatever its config says about tying.

    Args:
        folder: A folder of safetensors.

    Raises:
        UserError: A file is missing or broken.
    """
    if not any(folder.glob("*.safetensors")):
        return False  # a config alone, to be planned with
    headers = tensor_headers(folder, str(folder))
    head = headers.get("lm_head.weight")
    embeddings = next((headers[key] for key in headers if key.endswith("embed_tokens.weight")), None)
    if head is None or embeddings is None:
        return False
    if (head.shape, head.dtype) != (embeddings.shape, embeddings.dtype):
        return True
    return any(one != other for one, other in zip(_blocks(head), _blocks(embeddings), strict=True))


def untie_if_head_differs(config: Any, source: str) -> Any:
    """A model's config, which no longer says "tied" if its files hold a head of their own.

    Transformers 5 loads such a head, but not under ZeRO-3; transformers 4 and vLLM drop it.

    Args:
        config: Its Hugging Face config; it is changed.
        source: The folder; of anything else nothing is known.
    """
    folder = Path(source)
    if folder.is_dir() and _says_tied(config) and own_head(folder):
        say_untied(config)
    return config


def _says_tied(config: Any) -> bool:
    return bool(
        getattr(config, "tie_word_embeddings", False) or getattr(config.get_text_config(), "tie_word_embeddings", False)
    )


def say_untied(config: Any) -> None:
    """Let a config say, in both places where readers look, that head and embedding are two tensors."""
    config.tie_word_embeddings = False
    config.get_text_config().tie_word_embeddings = False


def share_weights(model: Any) -> bool:
    """Whether head and embedding of a model are one tensor; its config is not asked, and ZeRO-3 may have cut it up."""
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    return head is not None and head.weight is embeddings.weight


def tensor_headers(folder: Path, name: str) -> dict[str, TensorHeader]:
    """What a folder's safetensors hold, by the names in the files.

    Args:
        folder: The folder.
        name: What messages call it.

    Raises:
        UserError: There are none, one that the index names is missing, or one is broken or cut off.
    """
    single, index = folder / "model.safetensors", folder / _INDEX
    if single.exists():
        files = [single]
    elif index.exists():
        files = _shards(index)
    else:
        kinds = ("*.bin", "*.pt", "*.pth", "*.gguf", "*.h5", "*.msgpack")
        others = sorted(path.name for kind in kinds for path in folder.glob(kind))
        only = f", only {others[0]}" if others else ""
        hint = ": save it again as safetensors, with transformers' save_pretrained" if others else ": is it complete?"
        raise UserError(f"{name} holds no weights as safetensors (model.safetensors){only}{hint}")
    if missing := [path.name for path in files if not path.exists()]:
        raise UserError(f"{name} lacks {missing[0]}, which its {_INDEX} names: is it complete?")
    return {key: header for path in files for key, header in _headers(path)}


def _config(source: str, name: str) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the config of {name}: {str(error).strip().splitlines()[0]}") from None


def _quantised_by(config: Mapping[str, Any]) -> str | None:
    """The method that a config names for quantised weights; None for whole ones."""
    for part in (config, config.get("text_config") or {}):
        for key in ("quantization_config", "compression_config"):
            told = part.get(key)
            if told:
                bits = next((kind for kind in ("4bit", "8bit") if told.get(f"load_in_{kind}")), None)
                return str(told.get("quant_method") or (f"bitsandbytes, {bits}" if bits else key))
    return None


def _says_quantised(name: str, method: str) -> str:
    return f"{name} is quantised ({method}): name the model that it was made from, with whole weights in bf16 or fp32"


def _cached(name: str) -> Path | None:
    """The snapshot of a hub model in the cache, if all of its weights are there."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json")
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    index = folder / _INDEX
    files = _shards(index) if index.exists() else [folder / "model.safetensors"]
    return folder if all(path.exists() for path in files) else None


def _shards(index: Path) -> list[Path]:
    try:
        files = set(json.loads(index.read_text())["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{index} names no files (weight_map): is it complete?") from None
    return [index.parent / str(file) for file in sorted(files)]


def _headers(path: Path) -> Iterable[tuple[str, TensorHeader]]:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            size = path.stat().st_size - 8 - length
            if size < 0:
                raise ValueError
            header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        if max((told["data_offsets"][1] for told in header.values()), default=0) > size:
            raise ValueError
        return [
            (
                key,
                TensorHeader(
                    tuple(told["shape"]),
                    told["dtype"],
                    path,
                    (8 + length + told["data_offsets"][0], 8 + length + told["data_offsets"][1]),
                ),
            )
            for key, told in header.items()
        ]
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        raise UserError(f"{path} is no whole safetensors file: was it cut off?") from None


def _blocks(header: TensorHeader) -> Iterable[bytes]:
    """The bytes of a tensor, 16 MiB at a time."""
    begin, end = header.span
    with header.file.open("rb") as file:
        file.seek(begin)
        for at in range(begin, end, 1 << 24):
            yield file.read(min(1 << 24, end - at))


def _compare(name: str, config: Any, headers: Mapping[str, TensorHeader]) -> None:
    """Refuse files that lack a tensor of the model, or have one of another shape."""
    older = _OLDER_NAMES[config.model_type]
    held = {_name_in_memory(key, older): header for key, header in headers.items()}
    same: dict[int, list[str]] = {}  # names of one tensor: files hold one of them, or all
    shapes = {}
    for key, parameter in without_weights(config).named_parameters(remove_duplicate=False):
        same.setdefault(id(parameter), []).append(key)
        shapes[key] = tuple(parameter.shape)
    if lacking := [names[0] for names in same.values() if not any(key in held for key in names)]:
        raise UserError(_says_lacking(name, lacking))
    for key, shape in shapes.items():
        if key in held and held[key].shape != shape:
            raise UserError(_says_other_shape(name, key, held[key].shape, shape))


def _name_in_memory(key: str, older: bool) -> str:
    if older and key.startswith("visual."):
        return f"model.{key}"
    if older and key.startswith("model.") and not key.startswith(("model.language_model.", "model.visual.")):
        return key.replace("model.", "model.language_model.", 1)
    return key


@contextmanager
def unsharded() -> Iterator[None]:
    """While a ZeRO-3 configuration is alive, transformers shards every model that it makes or loads; in here each is whole.

    So one rank may make one while the others make none, which ranks that share it would wait for.
    """
    from transformers.integrations import deepspeed

    held = deepspeed._hf_deepspeed_config_weak_ref
    deepspeed.unset_hf_deepspeed_config()
    try:
        yield
    finally:
        deepspeed._hf_deepspeed_config_weak_ref = held


def without_weights(config: Any) -> Any:
    """A model of a config on the meta device: names and shapes without memory.

    Args:
        config: Its Hugging Face config.
    """
    import torch
    from transformers import AutoModelForImageTextToText

    with unsharded(), torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


def _says_lacking(name: str, weights: list[str]) -> str:
    return f"the files of {name} lack {len(weights)} weight{'s' * (len(weights) > 1)}, {weights[0]} among them"


def _says_other_shape(name: str, key: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    return f"the files of {name} do not fit its config: {key} is {_dims(found)}, not {_dims(wanted)}"


def _dims(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
