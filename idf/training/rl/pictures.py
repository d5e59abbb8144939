"""The pictures of some rows of a batch, as TRL hands them over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def pictures_of(rows: slice, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a model is told beside the tokens of some rows.

    Args:
        rows: Which rows, without a step.
        given: What it is told of all rows: `pixel_values` (patches of all pictures, features), `image_grid_thw` (pictures, 3),
            `num_images` of each row, `mm_token_type_ids` (rows, tokens), and whatever does not depend on rows.

    Returns:
        The same of these rows; nothing of pictures if they have none: Qwen's vision towers raise an error on no picture.
    """
    told = dict(given)
    if (types := given.get("mm_token_type_ids")) is not None:
        told["mm_token_type_ids"] = types[rows]
    grids: Tensor | None = given.get("image_grid_thw")
    if grids is None:
        return told
    counts: list[int] = given["num_images"]
    before, mine = sum(counts[: rows.start]), counts[rows]
    here = grids[before : before + sum(mine)]
    if not len(here):
        return told | {"pixel_values": None, "image_grid_thw": None, "num_images": None}
    start = int(grids[:before].prod(-1).sum())
    patches = given["pixel_values"][start : start + int(here.prod(-1).sum())]
    return told | {"pixel_values": patches, "image_grid_thw": here, "num_images": mine}
