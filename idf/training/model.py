"""The model in training: frozen vision without autograd, and a loss that never holds all logits at once."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from .encode import IGNORE

CHUNK = 2048  # label tokens whose logits exist at the same time: 1.2 GB in fp32 at a vocabulary of 152k


def label_loss(hidden: Tensor, labels: Tensor, head: nn.Module, least_chunks: int = 1) -> Tensor:
    """Summed cross-entropy over the label tokens; logits exist for CHUNK tokens at a time.

    Args:
        hidden: Last hidden states, (rows, length, width).
        labels: Token ids, or IGNORE where nothing is to be learned; (rows, length). Position t is
            predicted from hidden state t - 1.
        head: The output projection.
        least_chunks: Call the head at least this often, on nothing if need be.

    Returns:
        A scalar in fp32: the sum, to be divided by the number of label tokens in the whole global batch.
    """
    targets = labels[:, 1:]
    wanted = targets != IGNORE
    states, targets = hidden[:, :-1][wanted], targets[wanted]
    total = (hidden[:, :1].float() * 0.0).sum()  # hangs on the graph even if a filler row has no label at all
    for chunk in range(max(least_chunks, -(-len(targets) // CHUNK))):
        part = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
        total = total + checkpoint(_chunk_loss, head, states[part], targets[part], use_reentrant=False)
    return total


def _chunk_loss(head: nn.Module, states: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(head(states).float(), targets, reduction="sum")


class StageModel(nn.Module):
    """A vision-language model with the forward pass of our training.

    It is a plain composition of the model's own parts, without any patch: embed the tokens, put the features of the
    frozen tower in their places, run the language model, and sum the loss over label tokens.

    Args:
        vlm: A `Qwen2_5_VLForConditionalGeneration` (or one of the same layout).
        sharded: Whether parameters are sharded over ranks (ZeRO-3). Then the tower runs on every rank in every
            forward pass, on a blank picture if there is none: its weights are gathered by all ranks together, and a rank
            that skipped it would make the others wait for ever.
    """

    accepts_loss_kwargs = True  # read by Trainer: the loss is normalised by us, over the global batch

    def __init__(self, vlm: Any, sharded: bool = False) -> None:
        super().__init__()
        self.vlm = vlm
        self.sharded = sharded

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        labels: Tensor,
        pixel_values: Tensor | None = None,
        image_grid_thw: Tensor | None = None,
    ) -> Tensor:
        """The summed loss of a micro-batch from `Collator`."""
        embeddings = self.vlm.get_input_embeddings()(input_ids)
        if pixel_values is not None:
            features = self.picture_features(pixel_values, image_grid_thw).to(embeddings.dtype)
            place = (input_ids == self.vlm.config.image_token_id).unsqueeze(-1)
            embeddings = embeddings.masked_scatter(place, features)
        elif self.sharded:
            self.picture_features(*self._blank_picture(input_ids.device))
        hidden = self.vlm.model.language_model(
            inputs_embeds=embeddings, position_ids=position_ids, attention_mask=None, use_cache=False
        ).last_hidden_state
        return label_loss(hidden, labels, self.vlm.lm_head, self._least_chunks(labels))

    def _least_chunks(self, labels: Tensor) -> int:
        """How often every rank calls the head: under ZeRO-3 each call gathers its weights, so all must call equally often."""
        if not (self.sharded and dist.is_initialized()):
            return 1
        chunks = torch.tensor(-(-int((labels[:, 1:] != IGNORE).sum()) // CHUNK), device=labels.device)
        dist.all_reduce(chunks, op=dist.ReduceOp.MAX)
        return max(1, int(chunks))

    def _blank_picture(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """The patches and grid of the smallest picture, 56 x 56."""
        vision = self.vlm.config.vision_config
        values = 3 * vision.temporal_patch_size * vision.patch_size**2
        return torch.zeros(16, values, device=device), torch.tensor([[1, 4, 4]], device=device)

    @torch.no_grad()
    def picture_features(self, pixel_values: Tensor, image_grid_thw: Tensor | None) -> Tensor:
        """Features of all pictures of the batch, (image tokens, width), from the frozen tower and merger."""
        tower = self.vlm.model.visual
        features: Tensor = tower(pixel_values.to(tower.dtype), grid_thw=image_grid_thw).pooler_output
        return features


def freeze_vision(vlm: Any) -> None:
    """Freeze vision encoder and merger; everything else learns."""
    vlm.requires_grad_(True)
    vlm.model.visual.requires_grad_(False)
    vlm.model.visual.eval()


def parameter_counts(vlm: Any) -> tuple[int, int, int]:
    """(total, frozen, trainable) parameters; works on the meta device. A tied tensor counts once."""
    total = sum(parameter.numel() for parameter in vlm.parameters())
    trainable = sum(parameter.numel() for parameter in vlm.parameters() if parameter.requires_grad)
    return total, total - trainable, trainable
