"""The model in training: vision without autograd where it is frozen, and a loss that never holds all logits at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from idf.errors import UserError

from .attention import Cuts, Segments, is_packed
from .encode import IGNORE
from .layers import run_layers
from .patches import normalised
from .recipe import Train
from .tower import Grid, PatchProjection, tower_inputs
from .versions import tower_output

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
    tower in their places, run the language model, and sum the loss over label tokens. Of the vision part, what does not
    require a gradient when this is made runs without autograd.

    Args:
        vlm: A `Qwen2_5_VLForConditionalGeneration`, or one of the same layout: Qwen2-VL, Qwen3-VL.
        sharded: Whether parameters are sharded over ranks (ZeRO-3). Then the tower runs on every rank in every
            forward pass, on a blank picture if there is none: its weights are gathered by all ranks together, and a rank
            that skipped it would make the others wait forever. A vision part that learns does so whatever the preset:
            every rank must send gradients for all of it.
        saves_memory: Whether layers keep one state each with gradient checkpointing, as transformers' do, and not those of
            `run_layers`; so it is under ZeRO-3, too, which would gather the weights of an MLP for each piece.
    """

    def __init__(self, vlm: Any, sharded: bool = False, saves_memory: bool = False) -> None:
        super().__init__()
        self.saves_memory = saves_memory or sharded
        self.vlm = vlm
        self.sharded = sharded
        self.vision_learns = any(parameter.requires_grad for parameter in vlm.model.visual.parameters())
        self.packed = is_packed(vlm)
        embed = vlm.model.visual.patch_embed
        if isinstance(embed.proj, nn.Conv3d):
            embed.proj = PatchProjection(embed.proj)

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        labels: Tensor,
        cuts: Cuts,
        patches: Tensor | None = None,
        colours: Tensor | None = None,
    ) -> Tensor:
        """The summed loss of a micro-batch from `Collator`."""
        hidden = self.hidden_states(input_ids, position_ids, cuts, patches, colours)
        return label_loss(hidden, labels, self.vlm.lm_head, self._least_chunks(labels))

    def hidden_states(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        cuts: Cuts,
        patches: Tensor | None = None,
        colours: Tensor | None = None,
    ) -> Tensor:
        """The language model's last hidden states, (rows, length, width).

        With attention "packed", samples are kept apart by `cuts`. With any other they are by three things together, or
        else by nothing: the first of the four rows of `position_ids` counts from 0 in each sample, there is no attention
        mask, and no cache.
        """
        embeddings = self.vlm.get_input_embeddings()(input_ids)
        place: Tensor | None = None
        deeper: list[Tensor] = []
        if patches is not None and colours is not None:
            features, deeper = self.picture_features(patches, colours, cuts.pictures)
            place = input_ids == self.vlm.config.image_token_id
            embeddings = embeddings.masked_scatter(place.unsqueeze(-1), features.to(embeddings.dtype))
        elif self.sharded or self.vision_learns:
            blank, more_of_it = self.picture_features(*self._blank_picture(input_ids.device))
            if self.vision_learns:  # gradients of zero, not none: AdamW would pass over what has none
                nothing = torch.stack([(seen.float() * 0.0).sum() for seen in (blank, *more_of_it)]).sum()
                embeddings = embeddings + nothing.to(embeddings.dtype)
        language_model = self.vlm.model.language_model
        more: dict[str, Any] = {}
        if self.packed:
            segments = Segments.of(cuts.samples, input_ids.device)
            if not self.saves_memory:
                return run_layers(language_model, embeddings, position_ids, segments, place, deeper)
            more["segments"] = segments
        if deeper:
            more |= {"visual_pos_masks": place, "deepstack_visual_embeds": deeper}
        hidden: Tensor = language_model(
            inputs_embeds=embeddings, position_ids=position_ids, attention_mask=None, use_cache=False, **more
        ).last_hidden_state
        return hidden

    def _least_chunks(self, labels: Tensor) -> int:
        """How often every rank calls the head: under ZeRO-3 each call gathers its weights, so all must call equally often."""
        if not (self.sharded and dist.is_initialized()):
            return 1
        chunks = torch.tensor(-(-int((labels[:, 1:] != IGNORE).sum()) // CHUNK), device=labels.device)
        dist.all_reduce(chunks, op=dist.ReduceOp.MAX)
        return max(1, int(chunks))

    def _blank_picture(self, device: torch.device) -> tuple[Tensor, Tensor, list[Grid]]:
        """Patches, colours and grid of the smallest picture: 2 x 2 tokens."""
        vision = self.vlm.config.vision_config
        side, pixels = 2 * vision.spatial_merge_size, vision.patch_size
        patches = torch.zeros(side * side, 3, pixels, pixels, dtype=torch.uint8, device=device)
        return patches, torch.ones(2, 3, device=device), [(1, side, side)]

    def picture_features(self, patches: Tensor, colours: Tensor, grids: Sequence[Grid]) -> tuple[Tensor, list[Tensor]]:
        """What tower and merger see in all pictures of the batch.

        Args:
            patches: (patches, 3, side, side) uint8.
            colours: (2, 3): what is taken from each channel, and what it is divided by then; in fp32, before the cast.
            grids: (time, height, width) in patches of each picture.

        Returns:
            Features, (image tokens, width), and those that Qwen3-VL adds to its first layers (DeepStack), of the same
            shape each; other models have none.
        """
        tower, vision = self.vlm.model.visual, self.vlm.config.vision_config
        pixels = normalised(patches, colours, vision.temporal_patch_size).to(tower.dtype)
        # Blocks that are frozen below a merger that learns keep nothing either: none of their inputs requires a gradient.
        with torch.set_grad_enabled(self.vision_learns and torch.is_grad_enabled()):
            if self.packed:
                seen = tower(pixels, **tower_inputs(tower, grids, pixels.device))
            else:
                seen = tower(pixels, grid_thw=torch.tensor(grids, device=pixels.device))
        return tower_output(seen, deepstack=self.vlm.config.model_type == "qwen3_vl")


def freeze_vision(vlm: Any, train: Train = "language") -> None:
    """Freeze what does not learn of vision encoder and merger; everything else learns.

    Args:
        vlm: The model; it is changed.
        train: As a recipe has it. Qwen3-VL's mergers of DeepStack count as mergers.
    """
    vlm.requires_grad_(True)
    for name, parameter in vlm.model.visual.named_parameters():
        parameter.requires_grad_(train == "all" or (train == "language+merger" and "merger" in name))
    if train == "language":
        vlm.model.visual.eval()


def checkpoint_tower(vlm: Any) -> None:
    """Let each block of a tower that learns keep its input alone, as transformers does of layers that it trains.

    By the blocks themselves: asked by way of the tower, transformers wants embeddings of tokens, and warns that there are none.
    """
    for block in vlm.model.visual.blocks:
        block.gradient_checkpointing = True
        block._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)


def is_vision(name: str) -> bool:
    """Whether a parameter of this name belongs to vision encoder or merger."""
    return ".visual." in f".{name}"


def parameter_counts(vlm: Any) -> tuple[int, int, int]:
    """(total, frozen, trainable) parameters; works on the meta device and under ZeRO-3. A tied tensor counts once."""
    # Under ZeRO-3 a sharded tensor is empty; how many numbers it has is in `ds_numel`.
    sizes = [
        (getattr(parameter, "ds_numel", parameter.numel()), parameter.requires_grad) for parameter in vlm.parameters()
    ]
    total = sum(size for size, _ in sizes)
    trainable = sum(size for size, learns in sizes if learns)
    return total, total - trainable, trainable


class GradientWatch:
    """Notes which parameters get a gradient, for the first step of a run.

    A frozen embedding before a reentrant checkpoint, or a part that the forward pass does not use, leaves trainable
    parameters without any, and training would seem to run. (Source: 2U1's fine-tuning issue 56, and our own trial on
    transformers 4.57.)

    Args:
        model: The model.
    """

    def __init__(self, model: nn.Module) -> None:
        self.silent = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        self._hooks = [
            parameter.register_hook(lambda gradient, name=name: self.silent.discard(name))
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        ]

    def check(self) -> None:
        """End watching.

        Raises:
            UserError: Some trainable parameters got no gradient.
        """
        for hook in self._hooks:
            hook.remove()
        if self.silent:
            raise UserError(
                f"{len(self.silent)} trainable tensors got no gradient in the first step, {min(self.silent)} among them: "
                "they would never learn"
            )
