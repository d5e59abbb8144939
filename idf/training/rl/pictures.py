"""The pictures of some rows of a batch, as TRL hands them over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def pictures_of(rows: Sequence[int], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a model is told beside the tokens of some rows.

    Args:
        rows: Which rows, in the order wanted.
        given: What it is told of all rows: `pixel_values` (patches of all pictures, features), `image_grid_thw` (pictures, 3),
            `num_images` of each row, `mm_token_type_ids` (rows, tokens), and whatever does not depend on rows.

    Returns:
        The same of these rows; nothing of pictures if they have none: Qwen's vision towers raise an error on no picture.
    """
    told = dict(given)
    if (types := given.get("mm_token_type_ids")) is not None:
        told["mm_token_type_ids"] = types[list(rows)]
    grids: Tensor | None = given.get("image_grid_thw")
    if grids is None:
        return told
    counts: list[int] = given["num_images"]
    mine = [counts[row] for row in rows]
    if not sum(mine):
        return told | {"pixel_values": None, "image_grid_thw": None, "num_images": None}
    sizes = iter(grids.prod(-1).tolist())
    patches = given["pixel_values"].split([sum(next(sizes) for _ in range(count)) for count in counts])
    grids_of = grids.split(counts)
    return told | {
        "pixel_values": torch.cat([patches[row] for row in rows]),
        "image_grid_thw": torch.cat([grids_of[row] for row in rows]),
        "num_images": mine,
    }
