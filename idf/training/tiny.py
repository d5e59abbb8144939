"""Tiny models: the real classes of each family at a size that a laptop trains in minutes; the quickstart trains Qwen2.5-VL's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from idf.data import SPLIT, DatasetFolder, text_of
from idf.errors import UserError
from idf.files import package_text
from idf.recipe import check_names

from .both_forms import write_both_forms
from .families import FAMILIES

# Qwen2.5-VL's own special tokens, in its order; Qwen2-VL and Qwen3-VL have the same ones.
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)


def make_tiny_model(
    data: Iterable[DatasetFolder], out: Path, vocabulary: int = 1024, seed: int = 0, family: str = "qwen2_5_vl"
) -> int:
    """Write a tiny base model as a complete Hugging Face folder.

    The model is of the family's own classes, from a small config with random weights; its tokenizer is a byte-level BPE
    trained on the texts of the given datasets, with the family's special tokens and form of chat template.

    Args:
        data: Datasets whose texts the tokenizer learns.
        out: The folder to write.
        vocabulary: Size of the vocabulary.
        seed: Seed of the weights.
        family: A key of FAMILIES.

    Returns:
        Number of parameters.

    Raises:
        UserError: The folder holds a model already, or the family is none that we know.
    """
    check_names("family", [family], FAMILIES)
    if (out / "config.json").exists():
        raise UserError(f"{out} holds a model already: choose another folder, or remove this one")
    import torch
    from transformers import AutoModelForImageTextToText

    tokenizer = _train_tokenizer(
        (text_of(m) for folder in data for s in folder.samples() for m in s.messages), vocabulary
    )
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_config(_config(family, len(tokenizer), token_ids(tokenizer)))
    end_responses(model, tokenizer)
    model.save_pretrained(out)
    build_processor(family, tokenizer).save_pretrained(out)
    write_both_forms(out)
    return sum(parameter.numel() for parameter in model.parameters())


def token_ids(tokenizer: Any) -> dict[str, int]:
    """The numbers of the special tokens."""
    return {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}


def end_responses(model: Any, tokenizer: Any) -> None:
    """Let a model's generation config say what ends a response, in place."""
    ids = token_ids(tokenizer)
    model.generation_config.eos_token_id = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]


def vision_settings(family: str, width: int) -> dict[str, Any]:
    """The vision config of a small model.

    Args:
        family: A key of FAMILIES.
        width: Width of the language model.
    """
    vision: dict[str, Any] = {"num_heads": 4, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}
    if family == "qwen2_vl":
        return vision | {"depth": 2, "embed_dim": 64, "mlp_ratio": 2, "hidden_size": width}
    vision |= {"hidden_size": 64, "intermediate_size": 128, "out_hidden_size": width}
    if family == "qwen2_5_vl":
        return vision | {"depth": 2, "window_size": 112, "fullatt_block_indexes": [1]}
    return vision | {"depth": 3, "patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]}


def _config(family: str, vocabulary: int, ids: dict[str, int]) -> Any:
    from transformers import AutoConfig

    width = 128
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]}
    text = {
        "hidden_size": width,
        "intermediate_size": 384,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": vocabulary,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_parameters": rope,
        "tie_word_embeddings": True,  # as in the 3B model; copying a word is learned much sooner
        "initializer_range": 0.05,  # of the order of 1 / sqrt(width): at 0.02 a narrow model starts nearly dead
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    if family == "qwen3_vl":
        rope |= {"mrope_section": [6, 5, 5], "mrope_interleaved": True}
        text["head_dim"] = 32
    return AutoConfig.for_model(
        family,
        text_config=text,
        vision_config=vision_settings(family, width),
        initializer_range=0.05,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def _train_tokenizer(texts: Iterable[str], vocabulary: int):
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import Qwen2TokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    parts = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge) if not isinstance(merge, str) else tuple(merge.split(" ")) for merge in parts["merges"]]
    fast = Qwen2TokenizerFast(
        vocab=parts["vocab"],
        merges=merges,
        unk_token=None,
        bos_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS),
    )
    return fast


def build_processor(family: str, tokenizer: Any) -> Any:
    """A family's processor with its form of chat template.

    Args:
        family: A key of FAMILIES.
        tokenizer: It has the special tokens.
    """
    import transformers
    from transformers import Qwen2VLImageProcessor, Qwen2VLVideoProcessor, Qwen3VLVideoProcessor

    if family == "qwen3_vl":
        sizes: dict[str, Any] = {"patch_size": 16, "min_pixels": 64 * 64, "max_pixels": 1536 * 32 * 32}
        colours = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
        image_processor = Qwen2VLImageProcessor(**sizes, **colours)
        video_processor: Any = Qwen3VLVideoProcessor()
        template = "training/chat_template_qwen3_vl.jinja"
    else:
        image_processor = Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=1536 * 28 * 28)
        video_processor = Qwen2VLVideoProcessor()
        template = "training/chat_template.jinja"
    names = {"qwen2_vl": "Qwen2VLProcessor", "qwen2_5_vl": "Qwen2_5_VLProcessor", "qwen3_vl": "Qwen3VLProcessor"}
    return getattr(transformers, names[family])(
        image_processor=image_processor,
        tokenizer=tokenizer,
        video_processor=video_processor,
        chat_template=package_text(template),
    )
