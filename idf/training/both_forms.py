"""The small files of a model folder in a form that transformers 4.57, 5 and what builds on either of them read alike.

Transformers 5 writes some settings under other names and leaves some files out, without which 4.57 fails or, worse, takes its
own defaults. What is added is what 4.57 itself writes; nothing that 5 reads is taken away but `extra_special_tokens`, a list,
which 4.57 cannot read and 5 finds under the older name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .hub import BESIDE_WEIGHTS

CONFIG = "config.json"
_OURS = ("idf.json", "files.json")  # what checkpoints hold beside a model


def small_files(folder: Path) -> dict[str, bytes]:
    """Config, tokenizer, processor and chat template of a model folder, by name.

    Adapters of a checkpoint, or the index of weights in another form, are none of them: readers would take what stands beside
    such a file for a part of it.

    Args:
        folder: The folder.
    """
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if _is_small_file(path)}


def _is_small_file(path: Path) -> bool:
    other = path.name in _OURS or path.name.startswith("adapter_") or path.name.endswith(".index.json")
    return path.is_file() and path.suffix in BESIDE_WEIGHTS and not other


def write_both_forms(folder: Path) -> None:
    """Let a model folder that transformers 5 wrote be read by 4.57 as well, in place.

    Args:
        folder: The folder.
    """
    for name, text in missing_forms(folder).items():
        (folder / name).write_bytes(text)


def missing_forms(folder: Path) -> dict[str, bytes]:
    """The small files that a folder lacks, or holds in one form alone, as either version reads them.

    Args:
        folder: A model folder.
    """
    files = small_files(folder)
    return {name: text for name, text in in_both_forms(files).items() if files.get(name) != text}


def in_both_forms(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same small files, with what either version would miss; files that lack nothing stay as they are, byte by byte.

    Args:
        files: Config, tokenizer, processor and chat template of a model folder, by name.
    """
    both = dict(files)
    _change(both, CONFIG, _add_to_config)
    _change(both, "tokenizer_config.json", _add_to_tokenizer_config)
    if "tokenizer.json" in both:
        tokenizer = json.loads(both["tokenizer.json"])
        _change(both, "tokenizer_config.json", lambda settings: _add_added_tokens(settings, tokenizer))
        if tokenizer["model"].get("type") == "BPE":
            for name, text in _byte_pairs(tokenizer["model"]).items():
                both.setdefault(name, text)
    for name, settings in _parts_of_processor(both).items():
        both.setdefault(name, _bytes(settings))
    return both


def say_dtype(config: dict[str, Any], dtype: str) -> None:
    """Let a config name the type of its weights as both versions call the key.

    Args:
        config: The config, as JSON; it is changed.
        dtype: "bfloat16" or "float32".
    """
    config |= {"dtype": dtype, "torch_dtype": dtype}
    for part in (config.get("text_config"), config.get("vision_config")):
        for key in ("dtype", "torch_dtype"):
            if part and key in part:
                part[key] = dtype


def say_tied(config: dict[str, Any], tied: bool) -> None:
    """Let a config say, in each place where a reader looks, whether head and embedding are one tensor.

    Args:
        config: The config, as JSON; it is changed.
        tied: Whether they are.
    """
    for part in (config, config.get("text_config")):
        if part is not None:
            part["tie_word_embeddings"] = tied


def _change(files: dict[str, bytes], name: str, add: Any) -> None:
    """Let a JSON file be added to; where nothing is, it is not written anew."""
    if name not in files:
        return
    settings: dict[str, Any] = json.loads(files[name])
    before = json.dumps(settings)
    add(settings)
    if json.dumps(settings) != before:
        files[name] = _bytes(settings)


def _bytes(settings: Mapping[str, Any]) -> bytes:
    return (json.dumps(settings, indent=2, ensure_ascii=False) + "\n").encode()


def _add_to_config(config: dict[str, Any]) -> None:
    """`rope_theta` and `rope_scaling` beside `rope_parameters`, both names of the type, the tie flag in both places."""
    text = config.get("text_config", config)
    rope = text.get("rope_parameters")
    if rope is not None:
        text.setdefault("rope_theta", rope["rope_theta"])
        scaling = {key: value for key, value in rope.items() if key != "rope_theta"}
        if "mrope_section" in scaling and not scaling.get("mrope_interleaved"):
            scaling["type"] = scaling.get(
                "rope_type", "default"
            )  # as Qwen2-VL's and Qwen2.5-VL's first readers call it
        if text.get("rope_scaling") is None:
            text["rope_scaling"] = scaling
    dtype = config.get("dtype", config.get("torch_dtype"))
    if dtype is not None:
        config.setdefault("dtype", dtype)
        config.setdefault("torch_dtype", dtype)
    if "text_config" in config:
        tied = config.get("tie_word_embeddings", text.get("tie_word_embeddings"))
        if tied is not None:
            config.setdefault("tie_word_embeddings", tied)
            text.setdefault("tie_word_embeddings", tied)


def _add_to_tokenizer_config(settings: dict[str, Any]) -> None:
    """A list of `extra_special_tokens` under the name that both know; in 4.57 that key holds named tokens."""
    extra = settings.get("extra_special_tokens")
    if isinstance(extra, list):
        del settings["extra_special_tokens"]
        settings.setdefault("additional_special_tokens", extra)
    if settings.get("tokenizer_class") == "TokenizersBackend":
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"  # its older name, which 5 knows as well
    if settings.get("add_prefix_space", False) is None:
        settings["add_prefix_space"] = False


def _add_added_tokens(settings: dict[str, Any], tokenizer: Mapping[str, Any]) -> None:
    """The numbers of special tokens, which a tokenizer that is made of vocab.json would otherwise give anew."""
    if "added_tokens_decoder" not in settings:
        settings["added_tokens_decoder"] = {
            str(token["id"]): {key: value for key, value in token.items() if key != "id"}
            for token in tokenizer.get("added_tokens", [])
        }


def _byte_pairs(model: Mapping[str, Any]) -> dict[str, bytes]:
    """vocab.json and merges.txt, of the same content as tokenizer.json."""
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return {
        "vocab.json": json.dumps(model["vocab"], ensure_ascii=False).encode(),
        "merges.txt": "\n".join(["#version: 0.2", *merges, ""]).encode(),
    }


def _parts_of_processor(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """The image and video processor as files of their own, of what processor_config.json holds of them."""
    processor: dict[str, Any] = json.loads(files.get("processor_config.json", b"{}"))
    found = {}
    for part, name in (
        ("image_processor", "preprocessor_config.json"),
        ("video_processor", "video_preprocessor_config.json"),
    ):
        settings = processor.get(part)
        if settings is not None:
            size = settings.get("size") or {}
            # Qwen2-VL's first readers know these two names alone.
            pixels = {"min_pixels": size.get("shortest_edge"), "max_pixels": size.get("longest_edge")}
            named = (
                {key: value for key, value in pixels.items() if value is not None} if part == "image_processor" else {}
            )
            found[name] = settings | named | {"processor_class": processor.get("processor_class")}
    return found
