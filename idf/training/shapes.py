"""Shapes of the models on the hub, so that a run can be planned without a network. Source: their config.json."""

from __future__ import annotations

from typing import Any


def _text(hidden: int, intermediate: int, layers: int, heads: int, kv_heads: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "rms_norm_eps": 1e-6,
    } | more


def _qwen2(text: dict[str, Any], vision: dict[str, Any], *, vocabulary: int, tied: bool) -> dict[str, Any]:
    """A text model as Qwen2's, with the multimodal rotary embedding of Qwen2-VL, and a vision part."""
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    text = text | {"vocab_size": vocabulary, "tie_word_embeddings": tied, "rope_parameters": rope}
    return {"text_config": text, "vision_config": vision, "tie_word_embeddings": tied}


def _qwen2_vl(text: dict[str, Any], *, vocabulary: int, tied: bool) -> dict[str, Any]:
    vision = {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "num_heads": 16, "patch_size": 14}
    shape = _qwen2(text, vision | {"hidden_size": text["hidden_size"]}, vocabulary=vocabulary, tied=tied)
    return {"model_type": "qwen2_vl"} | shape


def _qwen2_5_vl(text: dict[str, Any], *, vocabulary: int, tied: bool, vision_intermediate: int) -> dict[str, Any]:
    vision = {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": vision_intermediate,
        "num_heads": 16,
        "patch_size": 14,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "out_hidden_size": text["hidden_size"],
    }
    return {"model_type": "qwen2_5_vl"} | _qwen2(text, vision, vocabulary=vocabulary, tied=tied)


_SMALL_TOWER = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "deepstack_visual_indexes": [5, 11, 17]}
_LARGE_TOWER = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "deepstack_visual_indexes": [8, 16, 24]}


def _qwen3_vl(text: dict[str, Any], tower: dict[str, Any], *, tied: bool) -> dict[str, Any]:
    rope = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [24, 20, 20], "mrope_interleaved": True}
    text = text | {"head_dim": 128, "vocab_size": 151936, "tie_word_embeddings": tied, "rope_parameters": rope}
    vision = tower | {
        "num_heads": 16,
        "patch_size": 16,
        "num_position_embeddings": 2304,
        "out_hidden_size": text["hidden_size"],
    }
    return {"model_type": "qwen3_vl", "text_config": text, "vision_config": vision, "tie_word_embeddings": tied}


SHAPES: dict[str, dict[str, Any]] = {
    "Qwen/Qwen2-VL-2B-Instruct": _qwen2_vl(_text(1536, 8960, 28, 12, 2), vocabulary=151936, tied=True),
    "Qwen/Qwen2-VL-7B-Instruct": _qwen2_vl(_text(3584, 18944, 28, 28, 4), vocabulary=152064, tied=False),
    "Qwen/Qwen2.5-VL-3B-Instruct": _qwen2_5_vl(
        _text(2048, 11008, 36, 16, 2), vocabulary=151936, tied=True, vision_intermediate=3420
    ),
    "Qwen/Qwen2.5-VL-7B-Instruct": _qwen2_5_vl(
        _text(3584, 18944, 28, 28, 4), vocabulary=152064, tied=False, vision_intermediate=3420
    ),
    "Qwen/Qwen2.5-VL-32B-Instruct": _qwen2_5_vl(
        _text(5120, 27648, 64, 40, 8), vocabulary=152064, tied=False, vision_intermediate=3456
    ),
    "Qwen/Qwen2.5-VL-72B-Instruct": _qwen2_5_vl(
        _text(8192, 29568, 80, 64, 8), vocabulary=152064, tied=False, vision_intermediate=3456
    ),
    "Qwen/Qwen3-VL-2B-Instruct": _qwen3_vl(_text(2048, 6144, 28, 16, 8), _SMALL_TOWER, tied=True),
    "Qwen/Qwen3-VL-4B-Instruct": _qwen3_vl(_text(2560, 9728, 36, 32, 8), _SMALL_TOWER, tied=True),
    "Qwen/Qwen3-VL-8B-Instruct": _qwen3_vl(_text(4096, 12288, 36, 32, 8), _LARGE_TOWER, tied=False),
    "Qwen/Qwen3-VL-32B-Instruct": _qwen3_vl(_text(5120, 25600, 64, 64, 8), _LARGE_TOWER, tied=False),
}
"""Arguments of the Hugging Face configuration of each model, `model_type` besides."""
