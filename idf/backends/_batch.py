"""How many prompts are generated at once: as many as memory holds, by a sum over what each needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

MOST_TOGETHER = 64
"""More gain nothing: with 300 at once on a CPU the responses took 8 s, not 10, but reading the prompts, padded to the longest,
took 8 s, not 4."""
LOOK_AHEAD = 8  # so many of the largest batches are sorted by length together
SHARE_OF_GPU = 0.85
"""Of a GPU's memory, weights included; the rest is fragments, and what libraries hold."""
SHARE_OF_MACHINE = 0.25
"""Of the machine's memory, weights aside: it is shared with everything else."""


class Memory:
    """What a loaded model needs for its prompts, and what there is.

    A prompt needs keys and values for each of its tokens and of its response, and while it is read the activations of one layer
    (queries, keys, values, residuals: 12 widths; the two branches and the product of the MLP: 3 of its widths).

    Args:
        model: A Hugging Face model.
        device: Where it is.

    Attributes:
        room: Bytes for prompts and responses.
        cached: Bytes that a token of a prompt or response keeps.
        read: Bytes that a token of a prompt needs while it is read.
    """

    def __init__(self, model: Any, device: str) -> None:
        text = model.config.get_text_config()
        number = next(model.parameters()).element_size()
        width = text.hidden_size // text.num_attention_heads
        heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
        self.cached = 2 * text.num_hidden_layers * heads * (getattr(text, "head_dim", None) or width) * number
        self.read = (12 * text.hidden_size + 3 * text.intermediate_size) * number
        self.room = _room(sum(weight.numel() * weight.element_size() for weight in model.parameters()), device)

    def prompts(self, longest: int, max_new_tokens: int) -> int:
        """How many prompts are computed together.

        Args:
            longest: Tokens of the longest of them.
            max_new_tokens: Longest response.
        """
        each = (longest + max_new_tokens) * self.cached + longest * self.read
        return max(1, min(MOST_TOGETHER, int(self.room // each)))


def _room(weights: int, device: str) -> float:
    if not device.startswith("cuda"):
        return SHARE_OF_MACHINE * machine_memory()
    import torch

    return SHARE_OF_GPU * float(torch.cuda.get_device_properties(device).total_memory) - weights


def machine_memory(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """Bytes of memory that this machine has, or this container may use.

    Args:
        limit: The file that says what a container may use.
    """
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    told = limit.read_text().strip() if limit.exists() else "max"
    return min(whole, int(told)) if told.isdecimal() else whole
