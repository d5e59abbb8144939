"""Floating-point operations of training: what the mathematics needs, recomputation not counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import nn

from .recipe import Train

# Dense bf16 peaks in 10^12 operations a second, from NVIDIA's data sheets (those quote twice as much, with sparsity).
# The first entry whose words all stand in the device's name counts.
PEAK_TFLOPS = {
    "B200": 2250.0,
    "H200 NVL": 835.0,
    "GH200": 989.0,
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100 NVL": 835.0,
    "H100": 989.0,
    "H800 PCIe": 756.0,
    "H800": 989.0,
    "H20": 148.0,
    "A100": 312.0,
    "A800": 312.0,
    "A40": 150.0,
    "A30": 165.0,
    "A10G": 70.0,
    "A10": 125.0,
    "L40S": 362.0,
    "L40": 181.0,
    "L4": 121.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
    "RTX A6000": 155.0,
}


def peak_tflops(device_name: str) -> float | None:
    """The dense bf16 peak of a GPU.

    Args:
        device_name: As CUDA names it, such as "NVIDIA A100-SXM4-80GB"; capitals do not matter.

    Returns:
        10^12 operations a second, or None for a GPU that `idf` does not know.
    """
    words = set(re.findall(r"[a-z0-9]+", device_name.lower()))
    for name, peak in PEAK_TFLOPS.items():
        if words.issuperset(name.lower().split()):
            return peak
    return None


@dataclass(frozen=True)
class Counts:
    """What a step, or a dataset, consists of.

    Attributes:
        tokens: Tokens, without padding.
        label_tokens: Those that are learned.
        token_pairs: The square of each sample's length, summed up.
        patches: Patches of all pictures, before they are merged.
        patch_pairs: The square of each picture's patches, summed up.
    """

    tokens: int = 0
    label_tokens: int = 0
    token_pairs: int = 0
    patches: int = 0
    patch_pairs: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.tokens + other.tokens,
            self.label_tokens + other.label_tokens,
            self.token_pairs + other.token_pairs,
            self.patches + other.patches,
            self.patch_pairs + other.patch_pairs,
        )


@dataclass(frozen=True)
class Shape:
    """The sizes of a vision-language model that its cost depends on.

    Attributes:
        layers: Decoder layers.
        hidden: Width of their hidden states.
        intermediate: Width of their MLP.
        attention: Query heads times head size.
        cache: Key heads times head size.
        heads: Query heads.
        vocabulary: Rows of the output projection.
        decoder: Weights of the decoder's matrices, output projection apart.
        adapted: Inputs and outputs of those matrices, summed up: the weights of adapters of rank 1.
        tower: Weights of the vision blocks' matrices and of the patch embedding.
        embedding: Those of the patch embedding alone.
        merger: Weights of the mergers' matrices, which see one token for `merge` patches.
        merge: Patches merged into one token.
        patch: Side of a patch in pixels.
        vision_width: Width of the vision blocks.
        vision_intermediate: Width of their MLP.
        vision_gated: Whether that MLP is gated and its norms are RMSNorms, as Qwen2.5-VL's; else LayerNorms, and no gate.
        full_blocks: Vision blocks that attend to the whole picture.
        window_blocks: Vision blocks that attend inside windows.
        window: Patches in a window.
    """

    layers: int
    hidden: int
    intermediate: int
    attention: int
    cache: int
    heads: int
    vocabulary: int
    decoder: int
    adapted: int
    tower: int
    embedding: int
    merger: int
    merge: int
    patch: int
    vision_width: int
    vision_intermediate: int
    vision_gated: bool
    full_blocks: int
    window_blocks: int
    window: int

    @property
    def pixels_per_token(self) -> int:
        """Pixels of a picture that become one token."""
        return self.merge * self.patch**2


def shape_of(vlm: Any) -> Shape:
    """The shape of a model, counted on its own matrices; works on the meta device, with adapters, and under ZeRO-3.

    Args:
        vlm: A Qwen2-VL, Qwen2.5-VL or Qwen3-VL (dense) model.
    """
    # in_features and out_features stay what they are when ZeRO-3 leaves an empty weight behind.
    decoder = _matrices(vlm.model.language_model)
    visual = _matrices(vlm.model.visual)
    merger = [size for name, size in visual if "merger" in name]
    blocks = [size for name, size in visual if "merger" not in name]
    patches = vlm.model.visual.patch_embed.proj
    embedding = patches.in_channels * prod(patches.kernel_size) * patches.out_channels
    layer = vlm.model.language_model.layers[0]
    text, vision = vlm.config.get_text_config(), vlm.config.vision_config
    windowed = vlm.config.model_type == "qwen2_5_vl"
    full = len(vision.fullatt_block_indexes) if windowed else vision.depth
    return Shape(
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        attention=layer.self_attn.q_proj.out_features,
        cache=layer.self_attn.k_proj.out_features,
        heads=text.num_attention_heads,
        vocabulary=text.vocab_size,
        decoder=sum(map(prod, (size for _, size in decoder))),
        adapted=sum(map(sum, (size for _, size in decoder))),
        tower=sum(map(prod, blocks)) + embedding,
        embedding=embedding,
        merger=sum(map(prod, merger)),
        merge=vision.spatial_merge_size**2,
        patch=vision.patch_size,
        vision_width=patches.out_channels,
        vision_intermediate=next(size[1] for name, size in visual if ".mlp." in name and "merger" not in name),
        vision_gated=windowed,
        full_blocks=full,
        window_blocks=vision.depth - full,
        window=(vision.window_size // vision.patch_size) ** 2 if windowed else 0,
    )


def _matrices(part: nn.Module) -> list[tuple[str, tuple[int, int]]]:
    return [
        (name, (module.in_features, module.out_features))
        for name, module in part.named_modules()
        if isinstance(module, nn.Linear) and "lora_" not in name
    ]


def train_flops(shape: Shape, counts: Counts, lora_rank: int | None = None, train: Train = "language") -> float:
    """Operations to train on something once: forward and backward of what learns, forward of the rest of the vision part.

    A matrix of N weights costs 2 N operations a token forward, 2 N for the gradient of its input and 2 N for that of
    its weights (Kaplan et al., arXiv 2001.08361, section 2.1). A frozen matrix of the language model needs no last part;
    what is frozen of the vision part, which runs without autograd, only the first; pixels need no gradient. The output
    projection sees label tokens alone, since our loss computes no other logits. Attention takes two products of 2 x width
    operations a pair of tokens forward, and twice that backward; causally half of the pairs count. Vision attention inside
    windows takes every window as a full one, so a picture whose sides are no multiple of a window counts a little more than
    it costs. Embeddings, norms and activations are left out, and so is whatever gradient checkpointing computes again.

    Args:
        shape: The model.
        counts: What it is trained on.
        lora_rank: Rank of adapters on all matrices of the decoder; None for full fine-tuning.
        train: What learns, as a recipe has it.
    """
    frozen = lora_rank is not None
    each = 4 if frozen else 6
    language = each * shape.decoder * counts.tokens + 6 * shape.adapted * (lora_rank or 0) * counts.tokens
    head = each * shape.vocabulary * shape.hidden * counts.label_tokens
    attention = 6 * shape.layers * shape.attention * counts.token_pairs
    tower, merger = (6 if train == "all" else 2), (2 if train == "language" else 6)
    vision = tower * shape.tower - (2 * shape.embedding if train == "all" else 0) + merger * shape.merger / shape.merge
    in_windows = min(counts.patch_pairs, shape.window * counts.patches)
    pairs = shape.full_blocks * counts.patch_pairs + shape.window_blocks * in_windows
    return float(language + head + attention + vision * counts.patches + 2 * tower * shape.vision_width * pairs)
