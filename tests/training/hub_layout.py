"""Model folders as they lie on the hub, made of a tiny model's weights: what a first user has, and idf did not write.

Keys, values and names of files are those of the public Qwen2-VL-2B/7B-Instruct, Qwen2.5-VL-3B/7B-Instruct and
Qwen3-VL-2B/8B-Instruct: a flat config with the tie flag on top alone and `rope_scaling` of type mrope (the first two families),
weights under the families' first names in shards with an index, preprocessor_config.json and chat_template.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

CLASSES = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}
TEXT = (
    *("attention_dropout", "hidden_act", "hidden_size", "initializer_range", "intermediate_size"),
    *("max_position_embeddings", "num_attention_heads", "num_hidden_layers", "num_key_value_heads", "rms_norm_eps"),
    *("use_cache", "vocab_size", "bos_token_id", "eos_token_id", "head_dim"),
)
VISION = {
    "qwen2_vl": ("depth", "embed_dim", "mlp_ratio", "num_heads", "hidden_size"),
    "qwen2_5_vl": (
        *("depth", "hidden_act", "hidden_size", "intermediate_size", "num_heads", "out_hidden_size"),
        *("window_size", "fullatt_block_indexes", "tokens_per_second"),
    ),
    "qwen3_vl": (
        *("deepstack_visual_indexes", "depth", "hidden_act", "hidden_size", "initializer_range", "intermediate_size"),
        *("num_heads", "num_position_embeddings", "out_hidden_size"),
    ),
}


def hub_layout(tiny: Path, out: Path, *, tied: bool = True, dtype: torch.dtype = torch.float32) -> Path:
    """Write a tiny model's folder once more, in the layout of its family on the hub.

    Args:
        tiny: A folder that `idf tiny` wrote.
        out: The folder to write.
        tied: Whether head and embedding are one tensor; if not, the head gets numbers of its own.
        dtype: Of the weights.

    Returns:
        The folder.
    """
    out.mkdir(parents=True)
    config = json.loads((tiny / "config.json").read_text())
    family, text, vision = config["model_type"], config["text_config"], config["vision_config"]
    kind = str(dtype).removeprefix("torch.")

    def write(name: str, value: Any) -> None:
        (out / name).write_text(json.dumps(value, indent=2) + "\n")

    write("config.json", {"architectures": [f"{CLASSES[family]}ForConditionalGeneration"], "model_type": family}
          | _config(family, config, text, vision, tied, kind))  # fmt: skip
    _write_weights(tiny, out, family, tied, dtype)
    ends = {"bos_token_id": text["bos_token_id"], "eos_token_id": [text["eos_token_id"], text["bos_token_id"]]}
    sampling = {"do_sample": True, "pad_token_id": text["bos_token_id"], "temperature": 0.1, "top_k": 1, "top_p": 0.001}
    write("generation_config.json", {**ends, **sampling, "repetition_penalty": 1.05, "transformers_version": "4.49.0"})
    write("preprocessor_config.json", _pictures(family, vision))
    if family == "qwen3_vl":
        size = {"size": {"longest_edge": 25165824, "shortest_edge": 4096}}
        write("video_preprocessor_config.json", _pictures(family, vision) | size | {
            "video_processor_type": "Qwen3VLVideoProcessor", "image_processor_type": None
        })  # fmt: skip
    write("chat_template.json", {"chat_template": (tiny / "chat_template.jinja").read_text()})
    _write_tokenizer(tiny, out, write)
    return out


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a model folder, of one file or of several."""
    return {name: tensor for path in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(path).items()}


def _config(
    family: str, config: dict[str, Any], text: dict[str, Any], vision: dict[str, Any], tied: bool, kind: str
) -> dict[str, Any]:
    said = {key: text[key] for key in TEXT if text.get(key) is not None}
    rope = dict(text["rope_parameters"])
    theta, sections = rope["rope_theta"], {"mrope_section": rope["mrope_section"]}
    seen = {key: vision[key] for key in VISION[family]}
    seen |= {key: vision[key] for key in ("patch_size", "spatial_merge_size", "temporal_patch_size")}
    tokens = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    common = {key: config[key] for key in tokens} | {"tie_word_embeddings": tied}
    if family == "qwen3_vl":
        said |= {"model_type": "qwen3_vl_text", "dtype": kind, "rope_theta": theta, "attention_bias": False}
        said |= {"rope_scaling": {"mrope_interleaved": True, "rope_type": "default", **sections}}
        said |= {"tie_word_embeddings": True} if tied else {}  # the 2B and 4B say it twice, the 8B once
        parts = {"text_config": said, "vision_config": seen | {"in_channels": 3, "model_type": "qwen3_vl"}}
        return common | parts | {"transformers_version": "4.57.0.dev0"}
    seen |= {"in_chans": 3, "spatial_patch_size": vision["patch_size"]}
    said.pop("head_dim", None)
    return {
        **common,
        **said,
        "vision_token_id": config["image_token_id"],
        "max_window_layers": text["num_hidden_layers"],
        "sliding_window": 32768,
        "use_sliding_window": False,
        "rope_theta": theta,
        "rope_scaling": {"type": "mrope", **sections},
        "torch_dtype": kind,
        "transformers_version": "4.41.2",
        "vision_config": seen,
    }


def _write_weights(tiny: Path, out: Path, family: str, tied: bool, dtype: torch.dtype) -> None:
    held = {}
    for name, tensor in load_file(tiny / "model.safetensors").items():
        if family != "qwen3_vl":
            name = name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        held[name] = tensor.to(dtype).contiguous()
    if not tied:
        (embeddings,) = [tensor for name, tensor in held.items() if name.endswith("embed_tokens.weight")]
        own = torch.randn(embeddings.shape, generator=torch.Generator().manual_seed(0)) * 0.05
        held["lm_head.weight"] = own.to(dtype)
    names = sorted(held)
    shards = {1: names[: len(names) // 2], 2: names[len(names) // 2 :]}
    files = {number: f"model-0000{number}-of-00002.safetensors" for number in shards}
    for number, part in shards.items():
        save_file({name: held[name] for name in part}, out / files[number], metadata={"format": "pt"})
    size = sum(tensor.numel() * tensor.element_size() for tensor in held.values())
    where = {name: files[number] for number, part in shards.items() for name in part}
    index = {"metadata": {"total_size": size}, "weight_map": where}
    (out / "model.safetensors.index.json").write_text(json.dumps(index))


def _pictures(family: str, vision: dict[str, Any]) -> dict[str, Any]:
    cells = {"patch_size": vision["patch_size"], "temporal_patch_size": 2, "merge_size": 2}
    processor = {"processor_class": f"{CLASSES[family]}Processor"}
    if family == "qwen3_vl":
        size = {"size": {"longest_edge": 16777216, "shortest_edge": 65536}}
        kind = {"image_processor_type": "Qwen2VLImageProcessorFast"}
        return cells | size | kind | processor | {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    colours = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    kind = {"image_processor_type": "Qwen2VLImageProcessor"}
    return {"min_pixels": 3136, "max_pixels": 12845056} | cells | colours | kind | processor


def _write_tokenizer(tiny: Path, out: Path, write: Any) -> None:
    told = json.loads((tiny / "tokenizer.json").read_text())
    write("tokenizer.json", told)
    write("vocab.json", told["model"]["vocab"])
    merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in told["model"]["merges"]]
    (out / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    added = {str(token["id"]): {"content": token["content"], **flags} for token in told["added_tokens"]}
    write("tokenizer_config.json", {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": [token["content"] for token in told["added_tokens"]][1:],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
        "chat_template": (tiny / "chat_template.jinja").read_text(),
    })  # fmt: skip
