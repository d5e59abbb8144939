"""Packed attention in bf16 against fp32: do the samples of a row get what each gets alone, forward and backward?

The model has the 7B's widths and two of its decoder layers. The reference is each sample alone, in fp32 with sdpa. bf16 itself is
held against it as well: each sample alone in bf16 with sdpa. Packing may add nothing to that error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rows import collated, full_rows, write_random_tokens
from shapes import config_of
from torch import Tensor

from idf.training.load import random_model
from idf.training.model import StageModel, freeze_vision

ROW = 4096
TINY_ROW = 1280
ALLOWED = 1.5
"""How many times the error of bf16 alone the error of a packed row may be."""

Row = Sequence[tuple[Any, list[bytes]]]


def measure(spec: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Each implementation of attention beside the reference.

    Raises:
        RuntimeError: One of them is further from it than bf16 is, or a sample sees another one.
    """
    cpu = spec["cpu"]
    device = "cpu" if cpu else "cuda"
    config = config_of("7b", cpu)
    text, vision = config.text_config, config.vision_config
    text.num_hidden_layers, text.layer_types = 2, text.layer_types[:2]
    vision.depth, vision.fullatt_block_indexes = 2, [1]
    tokens = Path(spec["scratch"]) / "tokens" / ("tiny" if cpu else "real")
    if not tokens.exists():
        write_random_tokens(Path(spec["data"]), tokens, cpu, config.image_token_id)
    row = full_rows(Path(spec["data"]), tokens, TINY_ROW if cpu else ROW, 1)[0]

    exact = _model(config, "fp32", "sdpa", device)
    weights = exact.vlm.state_dict()
    reference = _alone(exact, row, config.image_token_id)
    report({"samples": len(row), "tokens": len(reference[0]), "layers": text.num_hidden_layers})
    del exact

    def in_bf16(attention: str) -> StageModel:
        model = _model(config, "bf16", attention, device)
        model.vlm.load_state_dict(weights)
        return model

    own = _errors(_alone(in_bf16("sdpa"), row, config.image_token_id), reference)
    report({"bf16_alone": own})
    found: dict[str, Any] = {}
    wrong = []
    for attention in spec["attentions"]:
        model = in_bf16(attention)
        errors = _errors(_packed(model, row, config.image_token_id), reference)
        leak = _leak(model, row, config.image_token_id)
        found[attention] = errors | {"leak": leak}
        report({"packed": found})
        wrong += [f"{attention}: {part}" for part in own if not errors[part] <= ALLOWED * own[part]]
        if not leak <= 1e-6:
            wrong.append(f"{attention}: samples see each other")
        del model
    if wrong:
        raise RuntimeError(f"packed rows are not what their samples are alone: {', '.join(wrong)}")


def _model(config: Any, precision: str, attention: str, device: str) -> StageModel:
    vlm = random_model(config, precision=precision, attention=attention, device=device)
    freeze_vision(vlm)
    model = StageModel(vlm).train()
    # Only what the gradient is looked at of keeps one.
    model.requires_grad_(False)
    for parameter in _watched(model):
        parameter.requires_grad_(True)
    return model


def _watched(model: StageModel) -> list[Tensor]:
    """The first layer's weights for queries, keys and values: everything that attention does backward ends in them."""
    attention = model.vlm.model.language_model.layers[0].self_attn
    return [attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]


def _outcome(model: StageModel, batch: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Last hidden states, (length, width), and the gradients of the summed loss, in fp32."""
    device = next(model.parameters()).device
    inputs = {name: tensor.to(device) for name, tensor in batch.items() if name != "counts"}
    gradients = torch.autograd.grad(model(**inputs), _watched(model))
    with torch.no_grad():
        hidden = model.hidden_states(**{name: tensor for name, tensor in inputs.items() if name != "labels"})
    return hidden[0].float(), [gradient.float() for gradient in gradients]


def _packed(model: StageModel, row: Row, image_token: int) -> tuple[Tensor, list[Tensor]]:
    return _outcome(model, collated([list(row)], image_token))


def _alone(model: StageModel, row: Row, image_token: int) -> tuple[Tensor, list[Tensor]]:
    """The same, each sample in a row of its own: states one after another, gradients added up."""
    each = [_outcome(model, collated([[sample]], image_token)) for sample in row]
    return torch.cat([hidden for hidden, _ in each]), [sum(parts[1:], parts[0]) for parts in zip(*(g for _, g in each))]


def _errors(outcome: tuple[Tensor, list[Tensor]], reference: tuple[Tensor, list[Tensor]]) -> dict[str, float]:
    """|x - reference| / |reference| of the states, and of the gradients for queries, keys and values."""
    found = {"states": _error(outcome[0], reference[0])}
    for name, gradient, exact in zip(("queries", "keys", "values"), outcome[1], reference[1], strict=True):
        found[f"gradient_{name}"] = _error(gradient, exact)
    return found


def _error(x: Tensor, reference: Tensor) -> float:
    return float(f"{float((x - reference).norm() / reference.norm()):.3g}")


def _leak(model: StageModel, row: Row, image_token: int) -> float:
    """How much the states of all other samples change if the text of the first one does: 0 if they are kept apart."""
    batch = collated([list(row)], image_token)
    length = len(row[0][0])
    other = batch | {"input_ids": batch["input_ids"].clone()}
    ids = other["input_ids"][0, :length]
    ids[ids != image_token] = 7
    before, after = (_outcome(model, one)[0][length:] for one in (batch, other))
    return _error(after, before)
