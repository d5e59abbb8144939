"""Rows of samples -> the tensors of a micro-batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idf.drawing import decode_picture, on_grid

from .attention import Cuts
from .encode import IGNORE, Encoded
from .patches import check_image_processor, colours_of, cut

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

    Raises:
        UserError: The image processor does not do what is done here instead.
    """

    def __init__(self, image_processor: Any, image_token_id: int, pad_token_id: int) -> None:
        check_image_processor(image_processor)
        self.patch, self.merge = image_processor.patch_size, image_processor.merge_size
        self.colours = colours_of(image_processor)
        self.image_token_id = image_token_id
        self.pad_token_id = pad_token_id

    def __call__(self, rows: Sequence[Sequence[tuple[Encoded, Sequence[bytes]]]]) -> dict[str, Any]:
        """One micro-batch.

        Args:
            rows: For each row, its samples with their picture files.

        Returns:
            input_ids (rows, length), labels (rows, length), position_ids (4, rows, length), cuts (`Cuts`, where samples
            and pictures end) and, if there are pictures, patches (patches, 3, side, side) in uint8 and colours (2, 3),
            by which `normalised` makes pixels of them. There is no attention mask: samples are kept apart by cuts, or by
            the first row of position_ids, which begins at 0 with each. Padding is one more sample, without labels.
            `counts` (COUNTS) says what there is to compute, padding left out.
        """
        length = max(2, *(sum(len(encoded) for encoded, _ in row) for row in rows))
        input_ids = torch.full((len(rows), length), self.pad_token_id)
        labels = torch.full((len(rows), length), IGNORE)
        position_ids = torch.zeros(4, len(rows), length, dtype=torch.long)
        lengths: list[int] = []
        grids: list[tuple[int, int, int]] = []
        patches: list[NDArray[np.uint8]] = []
        counts = np.zeros(len(COUNTS), np.int64)
        for r, row in enumerate(rows):
            at = 0
            for encoded, images in row:
                end = at + len(encoded)
                input_ids[r, at:end] = torch.tensor(encoded.ids)  # copies: the arrays are memory-mapped files
                labels[r, at:end] = torch.tensor(encoded.labels)
                position_ids[:, r, at:end] = mrope_positions(
                    encoded.ids, encoded.grids, self.image_token_id, self.merge
                )
                patches += [self._cut(image) for image in images]
                grids += encoded.grids
                of_each = [time * height * width for time, height, width in encoded.grids]
                learned = int((encoded.labels != IGNORE).sum())
                counts += (len(encoded), learned, len(encoded) ** 2, sum(of_each), sum(n**2 for n in of_each))
                lengths.append(len(encoded))
                at = end
            position_ids[:, r, at:] = torch.arange(length - at)
            if at < length:
                lengths.append(length - at)
        batch: dict[str, Any] = {"input_ids": input_ids, "labels": labels, "position_ids": position_ids}
        batch["cuts"] = Cuts(tuple(lengths), tuple(grids))
        if patches:
            batch |= {"patches": torch.from_numpy(np.concatenate(patches)), "colours": self.colours}
        batch["counts"] = torch.from_numpy(counts)
        return batch

    def _cut(self, image: bytes) -> NDArray[np.uint8]:
        """A picture's patches; it comes at the size that the model sees."""
        return cut(on_grid(decode_picture(image), self.patch * self.merge), self.patch, self.merge)
