"""Pictures as patches: cut on the host as bytes, normalised where the tower runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idf.errors import UserError


def cut(picture: NDArray[np.uint8], patch: int, merge: int) -> NDArray[np.uint8]:
    """The patches of a picture, in the order in which Qwen2-VL's image processor puts them: those of a token side by side.

    Args:
        picture: (height, width, 3) RGB; both sides multiples of patch x merge.
        patch: Side of a patch in pixels.
        merge: Patches merged into one token, per side.

    Returns:
        (patches, 3, patch, patch).
    """
    height, width, _ = picture.shape
    rows, columns = height // (patch * merge), width // (patch * merge)
    parts = picture.reshape(rows, merge, patch, columns, merge, patch, 3)
    return parts.transpose(0, 3, 1, 4, 6, 2, 5).reshape(-1, 3, patch, patch)


def colours_of(image_processor: Any) -> Tensor:
    """What an image processor takes from each channel, and then divides it by: (2, 3) in fp32, for bytes from 0 to 255."""
    scale = image_processor.rescale_factor if image_processor.do_rescale else 1.0
    mean, deviation = [0.0] * 3, [1.0] * 3
    if image_processor.do_normalize:
        mean, deviation = image_processor.image_mean, image_processor.image_std
    return torch.stack([torch.tensor(mean), torch.tensor(deviation)]) * (1.0 / scale)


def normalised(patches: Tensor, colours: Tensor, frames: int) -> Tensor:
    """The `pixel_values` of transformers' image processor, to the bit.

    Args:
        patches: (patches, 3, side, side) uint8.
        colours: (2, 3); see `colours_of`.
        frames: How often a picture stands for moments of a film: the tower's `temporal_patch_size`.

    Returns:
        (patches, 3 x frames x side x side) in fp32.
    """
    mean, deviation = colours[:, :, None, None]
    seen = patches.float().sub_(mean).div_(deviation)
    return seen.unsqueeze(2).expand(-1, -1, frames, -1, -1).flatten(1)


def check_image_processor(image_processor: Any) -> None:
    """Refuse an image processor that does with a picture anything else than is done here.

    Raises:
        UserError: It does.
    """
    patch, merge = image_processor.patch_size, image_processor.merge_size
    side = patch * merge
    picture = np.random.default_rng(0).integers(0, 256, (2 * side, 3 * side, 3), np.uint8)
    theirs = image_processor(images=[picture], do_resize=False, return_tensors="pt")["pixel_values"]
    patches = torch.from_numpy(cut(picture, patch, merge))
    ours = normalised(patches, colours_of(image_processor), image_processor.temporal_patch_size)
    if ours.shape != theirs.shape or not torch.allclose(ours, theirs, rtol=0, atol=1e-5):
        raise UserError(
            f"the model's image processor ({type(image_processor).__name__}) does not cut and normalise pictures as that of "
            "Qwen2-VL, Qwen2.5-VL and Qwen3-VL does, so their pixels would be wrong: take preprocessor_config.json from the "
            "base model"
        )
