"""What a vision tower takes beside pixels, worked out on the host from the grids of the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import linear

from .attention import Segments

Grid = tuple[int, int, int]


class PatchProjection(nn.Module):
    """The convolution that a tower begins with, as the matrix product that it is: its kernel is as large as a patch.

    Its parameters are the convolution's own, under the same names. On a CPU the convolution takes several times as long.

    Args:
        convolution: Of a vision tower.
    """

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        # What counts operations asks for; under ZeRO-3 the weight itself does not say it.
        self.in_channels, self.kernel_size = convolution.in_channels, convolution.kernel_size
        self.out_channels = convolution.out_channels

    def forward(self, patches: Tensor) -> Tensor:
        """(patches, 3, frames, side, side) -> (patches, width)."""
        return linear(patches.flatten(1), self.weight.flatten(1), self.bias)


def tower_inputs(tower: Any, grids: Sequence[Grid], device: torch.device) -> dict[str, Any]:
    """All that transformers' tower would otherwise find by reading the grids back from the device, or window by window.

    A tower cuts its queries itself before it calls an attention that is not a flash attention. So it is told that there is
    one piece, and where the pieces are stands in `segments`, for each block's attention: there some see windows, some whole
    pictures.

    Args:
        tower: The tower of one of the three families, of a model loaded with attention PACKED.
        grids: (time, height, width) in patches of each picture.
        device: Where it runs.

    Returns:
        Its arguments but for the pixels.
    """
    from transformers import vision_utils

    config, merge = tower.config, tower.spatial_merge_size
    on_host = torch.tensor(grids)
    frames = [(height, width) for time, height, width in grids for _ in range(time)]
    pictures = Segments.of([height * width for height, width in frames], device)
    one_piece = torch.tensor([0, len(pictures)])
    arguments: dict[str, Any] = {
        "grid_thw": on_host,
        "position_ids": _moved(vision_utils.get_vision_position_ids(on_host, merge), device),
        "cu_seqlens": one_piece,
        "segments": {block.attn: pictures for block in tower.blocks},
    }
    if config.model_type.startswith("qwen2_5_vl"):
        index, lengths = window_order(frames, merge, tower.window_size // merge // tower.patch_size)
        windows, whole = Segments.of(lengths, device), tower.fullatt_block_indexes
        arguments["window_index"] = _moved(torch.from_numpy(index), device)
        arguments["cu_window_seqlens"] = one_piece
        arguments["segments"] |= {block.attn: windows for i, block in enumerate(tower.blocks) if i not in whole}
    if config.model_type.startswith("qwen3_vl"):
        places, weights = vision_utils.get_vision_interpolation_indices_and_weights(
            on_host,
            num_grid_per_side=tower.num_grid_per_side,
            mode=tower.interpolation_mode,
            align_corners=tower.interpolation_align_corners,
            spatial_merge_size=merge,
        )
        arguments |= {"interp_indices": _moved(places, device), "interp_weights": _moved(weights, device)}
    return arguments


def window_order(frames: Sequence[tuple[int, int]], merge: int, side: int) -> tuple[NDArray[np.int64], list[int]]:
    """Qwen2.5-VL's tokens in the order of their windows.

    The windows of a picture follow each other by size, which transformers' own order does not do: then those that can be
    computed in one call are neighbours. Which of two windows comes first changes no feature.

    Args:
        frames: (height, width) in patches of each picture.
        merge: Patches merged into one token, per side.
        side: Tokens of a window, per side.

    Returns:
        The place of each token, (tokens,), and the patches of each window.
    """
    places, lengths, start = [], [], 0
    for height, width in frames:
        rows, columns = height // merge, width // merge
        row, column = np.divmod(np.arange(rows * columns), columns)
        window = row // side * -(-columns // side) + column // side
        size = np.bincount(window)
        places.append(np.lexsort((window, -size[window])) + start)
        lengths += [int(n) * merge**2 for n in np.sort(size)[::-1]]
        start += rows * columns
    return np.concatenate(places), lengths


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor.to(device, non_blocking=True)
