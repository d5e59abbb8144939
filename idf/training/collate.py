"""Rows of samples -> the tensors of a micro-batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idf.drawing import decode_picture, on_grid

from .encode import IGNORE, Encoded

COUNTS = ("tokens", "label_tokens", "token_pairs", "patches", "patch_pairs")
"""What `Collator` counts in a micro-batch. Pairs: the sum over samples (pictures) of their length in tokens (patches) squared."""


def mrope_positions(
    ids: Sequence[int] | NDArray[np.int32], grids: Sequence[tuple[int, int, int]], image_token_id: int, merge: int
) -> Tensor:
    """Positions of one sample for the multimodal rotary embedding of Qwen2-VL, Qwen2.5-VL and Qwen3-VL.

    Text counts up in all three axes. A picture's tokens share one time step and count rows and columns; the text
    after it goes on from the largest position used. (Source: Qwen2-VL, arXiv 2409.12191, section 2.1.)

    Args:
        ids: Token ids, (length,).
        grids: (time, height, width) in patches, of each picture in order.
        image_token_id: The token that stands for pictures.
        merge: Patches merged into one token, per side.

    Returns:
        (4, length): the position in the sample (from which attention finds where a packed sample begins), then
        time, height and width.

    Raises:
        ValueError: There are more tokens that stand for pictures than the grids take.
    """
    length = len(ids)
    positions = np.empty((4, length), np.int64)
    positions[0] = np.arange(length)
    places = np.flatnonzero(np.asarray(ids) == image_token_id)
    at = next_position = 0
    for time, height, width in grids:
        height, width = height // merge, width // merge
        count = time * height * width
        nearest = int(np.searchsorted(places, at))
        if nearest == len(places):  # no token stands for it
            break
        begin = int(places[nearest])
        positions[1:, at:begin] = np.arange(next_position, next_position + begin - at)
        next_position += begin - at
        at = begin + count
        positions[1:, begin:at] = np.indices((time, height, width)).reshape(3, count) + next_position
        next_position += max(time, height, width)
    if len(places) and places[-1] >= at:
        raise ValueError(f"{len(grids)} pictures, but more tokens that stand for them")
    positions[1:, at:] = np.arange(next_position, next_position + length - at)
    return torch.from_numpy(positions)


class Collator:
    """Puts rows of encoded samples into tensors.

    Args:
        image_processor: The model's image processor.
        image_token_id: The token that stands for pictures.
        pad_token_id: Fills a row that is shorter than its neighbours in the micro-batch.
    """

    def __init__(self, image_processor: Any, image_token_id: int, pad_token_id: int) -> None:
        self.image_processor = image_processor
        self.image_token_id = image_token_id
        self.pad_token_id = pad_token_id

    def __call__(self, rows: Sequence[Sequence[tuple[Encoded, Sequence[bytes]]]]) -> dict[str, Tensor]:
        """One micro-batch.

        Args:
            rows: For each row, its samples with their picture files.

        Returns:
            input_ids (rows, length), labels (rows, length), position_ids (4, rows, length) and, if there are pictures,
            pixel_values (patches, values) and image_grid_thw (pictures, 3). There is no attention mask: samples
            are kept apart by the first row of position_ids, which begins at 0 with each. Padding is one more
            sample, without labels. `counts` (COUNTS) says what there is to compute, padding left out.
        """
        length = max(2, *(sum(len(encoded) for encoded, _ in row) for row in rows))
        input_ids = torch.full((len(rows), length), self.pad_token_id)
        labels = torch.full((len(rows), length), IGNORE)
        position_ids = torch.zeros(4, len(rows), length, dtype=torch.long)
        pictures: list[NDArray[np.uint8]] = []
        merge = self.image_processor.merge_size
        grid = self.image_processor.patch_size * merge
        counts = np.zeros(len(COUNTS), np.int64)
        for r, row in enumerate(rows):
            at = 0
            for encoded, images in row:
                end = at + len(encoded)
                input_ids[r, at:end] = torch.tensor(encoded.ids)  # copies: the arrays are memory-mapped files
                labels[r, at:end] = torch.tensor(encoded.labels)
                position_ids[:, r, at:end] = mrope_positions(encoded.ids, encoded.grids, self.image_token_id, merge)
                pictures += [on_grid(decode_picture(image), grid) for image in images]
                patches = [time * height * width for time, height, width in encoded.grids]
                learned = int((encoded.labels != IGNORE).sum())
                counts += (len(encoded), learned, len(encoded) ** 2, sum(patches), sum(n**2 for n in patches))
                at = end
            position_ids[:, r, at:] = torch.arange(length - at)
        batch = {"input_ids": input_ids, "labels": labels, "position_ids": position_ids}
        if pictures:
            # Pictures come at the size that the model sees: the processor only normalises and cuts into patches.
            seen = self.image_processor(images=pictures, do_resize=False, return_tensors="pt")
            batch |= {"pixel_values": seen["pixel_values"], "image_grid_thw": seen["image_grid_thw"]}
        batch["counts"] = torch.from_numpy(counts)
        return batch
