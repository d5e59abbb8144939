"""The language model's layers in training: what each computes again in the backward pass, and how many tokens at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from .attention import Segments

AT_ONCE = 2048  # tokens that pass through an MLP together


def run_layers(
    language_model: Any,
    hidden: Tensor,
    position_ids: Tensor,
    segments: Segments,
    places: Tensor | None,
    deeper: Sequence[Tensor],
) -> Tensor:
    """What the language model's own forward pass computes under attention PACKED, from its own parts.

    With gradient checkpointing a layer keeps three states and not one: what comes into it, what attention gave, and what
    goes into the MLP. So attention is not computed again, nor is the last product of either half; and the MLP, the widest
    part, is computed again for a piece of the row at a time.

    Args:
        language_model: Of one of the three families.
        hidden: Embedded tokens, (rows, length, width).
        position_ids: (4, rows, length), as the collator gives them.
        segments: Where samples end.
        places: Where pictures stand, (rows, length); None without any.
        deeper: Features that are added there after each of the first layers (DeepStack); empty but for Qwen3-VL.

    Returns:
        The last hidden states, normed; (rows, length, width).
    """
    rotation = language_model.rotary_emb(hidden, position_ids[1:])
    piece = max(1, AT_ONCE // hidden.shape[0])
    for number, layer in enumerate(language_model.layers):
        again = layer.gradient_checkpointing and layer.training and torch.is_grad_enabled()
        hidden = _call(again, _attend, layer, hidden, rotation, segments)
        parts = [_call(again, _feed, layer, part) for part in hidden.split(piece, dim=1)]
        hidden = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        if number < len(deeper):
            hidden = language_model._deepstack_process(hidden, places, deeper[number])
    normed: Tensor = language_model.norm(hidden)
    return normed


def _call(again: bool, part: Any, *arguments: Any) -> Tensor:
    more: dict[str, Any] = {"context_fn": _keeping_attention} if part is _attend else {}
    result: Tensor = checkpoint(part, *arguments, use_reentrant=False, **more) if again else part(*arguments)
    return result


def _keeping_attention() -> Any:
    return create_selective_checkpoint_contexts(_policy)


def _policy(_: Any, operator: Any, *__: Any, **___: Any) -> CheckpointPolicy:
    """Keep what a kernel of attention gave, whichever it is: torch's own for CPUs and GPUs, or flash_attn's."""
    kept = "attention" in str(operator) or "attn" in str(operator)
    return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE


def _attend(layer: Any, hidden: Tensor, rotation: tuple[Tensor, Tensor], segments: Segments) -> Tensor:
    seen, _ = layer.self_attn(
        hidden_states=layer.input_layernorm(hidden),
        attention_mask=None,
        position_embeddings=rotation,
        segments=segments,
    )
    return hidden + seen


def _feed(layer: Any, hidden: Tensor) -> Tensor:
    return hidden + layer.mlp(layer.post_attention_layernorm(hidden))
