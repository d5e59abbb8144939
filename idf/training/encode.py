"""Conversations -> token ids and labels, each turn tokenised apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from idf.data import Sample, size_of_picture
from idf.drawing import PATCH, check_picture, size_on_grid
from idf.errors import UserError

IGNORE = -100


@dataclass(frozen=True)
class Encoded:
    """A conversation as the model takes it.

    Attributes:
        ids: Token ids, (length,) int32; a picture of g grid cells stands as g image tokens.
        labels: The same ids where the assistant speaks, else IGNORE; (length,) int32.
        grids: (time, height, width) in patches of each picture.
    """

    ids: NDArray[np.int32]
    labels: NDArray[np.int32]
    grids: list[tuple[int, int, int]]

    def __len__(self) -> int:
        return len(self.ids)


class Encoder:
    """Encodes conversations with a model's own chat template.

    Args:
        processor: The model's processor (tokenizer, image processor, chat template).
        max_length: A longer conversation is refused: cutting it would cut pictures or answers.
        max_pixels: A larger picture is refused: resampling it would change what training saw.

    Attributes:
        grid: Side in pixels of what the model sees as one token: 28 in Qwen2-VL and Qwen2.5-VL, 32 in Qwen3-VL.
            Pictures get a margin up to its next multiple.
    """

    def __init__(self, processor: Any, max_length: int, max_pixels: int) -> None:
        self.tokenizer = processor.tokenizer
        self.template = processor
        self.max_length = max_length
        self.max_pixels = max_pixels
        image_processor = processor.image_processor
        self.patch = image_processor.patch_size
        self.merge = image_processor.merge_size
        self.grid = self.patch * self.merge
        self.image_token_id = self.tokenizer.convert_tokens_to_ids("<|image_pad|>")
        self.special_tokens = set(self.tokenizer.all_special_tokens)

    def __call__(self, sample: Sample) -> Encoded:
        """Encode one sample.

        Raises:
            UserError: It is too long, has no assistant turn, a text holds a special token, a picture cannot be decoded, or
                pictures and placeholders do not match; the sample is named.
        """
        self._refuse_special_tokens(sample)
        grids = [self._grid(sample, image) for image in sample.images]
        waiting = iter(grids)
        ids: list[int] = []
        labels: list[int] = []
        for text, spoken in self.turns(sample.messages):
            for token in self.tokenizer(text, add_special_tokens=False)["input_ids"]:
                if token == self.image_token_id:
                    grid = next(waiting, None)
                    if grid is None:
                        raise UserError(
                            f"sample {sample.id}: its messages show more pictures than the {len(grids)} it has"
                        )
                    count = grid[0] * grid[1] * grid[2] // self.merge**2
                    ids += [token] * count
                    labels += [IGNORE] * count
                else:
                    ids.append(token)
                    labels.append(token if spoken else IGNORE)
        if next(waiting, None) is not None:
            raise UserError(f"sample {sample.id}: it has {len(grids)} pictures, but its messages show fewer")
        if all(label == IGNORE for label in labels):
            raise UserError(f"sample {sample.id}: no assistant turn, so there is nothing to learn from it")
        if len(ids) > self.max_length:
            raise UserError(
                f"sample {sample.id} is {len(ids)} tokens long, tokens_per_row allows {self.max_length}: raise "
                "tokens_per_row, or make the data with smaller pictures (max_pixels)"
            )
        return Encoded(np.array(ids, np.int32), np.array(labels, np.int32), grids)

    def fingerprint(self) -> str:
        """A hash of all that decides over token ids: vocabulary, chat template, sizes, limits, and what is checked."""
        template = self.template.chat_template or self.tokenizer.chat_template
        decides = [
            self.tokenizer.backend_tokenizer.to_str(),
            template if isinstance(template, str) else json.dumps(template, sort_keys=True),
            *map(str, (self.grid, self.patch, self.max_length, self.max_pixels, IGNORE)),
            "pictures decoded",  # tokens that an earlier idf stored say nothing of what it did not decode
        ]
        return sha256("\0".join(decides).encode()).hexdigest()

    def turns(self, messages: Sequence[dict[str, Any]]) -> list[tuple[str, bool]]:
        """The rendered conversation, cut into pieces: (text, whether the assistant speaks it).

        The template renders ever longer prefixes of the conversation; what each message adds is its turn. So the
        cut is right for any template, and no word inside a turn can be taken for a role.
        """
        pieces: list[tuple[str, bool]] = []
        rendered = ""
        for i, message in enumerate(messages):
            whole = self._render(messages[: i + 1])
            if message["role"] == "assistant":
                header = self._render(messages[:i], add_generation_prompt=True)
                if not (header.startswith(rendered) and whole.startswith(header)):
                    raise UserError("this model's chat template does not render turns one after the other")
                answer = whole[len(header) :]
                body = answer.rstrip("\n")  # the line break after the end-of-turn token is the template's, not spoken
                pieces += [(header[len(rendered) :], False), (body, True), (answer[len(body) :], False)]
            else:
                if not whole.startswith(rendered):
                    raise UserError("this model's chat template does not render turns one after the other")
                pieces.append((whole[len(rendered) :], False))
            rendered = whole
        return [piece for piece in pieces if piece[0]]

    def _render(self, messages: Sequence[dict[str, Any]], add_generation_prompt: bool = False) -> str:
        if not messages:
            return ""
        return str(
            self.template.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=add_generation_prompt
            )
        )

    def _refuse_special_tokens(self, sample: Sample) -> None:
        for message in sample.messages:
            for part in message["content"]:
                if part["type"] == "text" and "<|" in part["text"]:
                    for token in self.special_tokens:
                        if token in part["text"]:
                            raise UserError(f"sample {sample.id}: its text holds the special token {token}")

    def _grid(self, sample: Sample, image: bytes) -> tuple[int, int, int]:
        """The patch grid of a picture, which is decoded once here: else a step of the training would come upon the damage."""
        width, height = size_of_picture(sample, image)
        if width % PATCH or height % PATCH:
            raise UserError(f"sample {sample.id}: a picture of {width} x {height} is no multiple of {PATCH} pixels")
        if width * height > self.max_pixels:
            raise UserError(
                f"sample {sample.id}: a picture of {width} x {height} is larger than max_pixels ({self.max_pixels})"
            )
        try:
            check_picture(image)
        except ValueError as error:
            raise UserError(f"sample {sample.id}: a picture of it cannot be read: {error}") from None
        width, height = size_on_grid((width, height), self.grid)
        return 1, height // self.patch, width // self.patch


def encode_all(encoder: Encoder, samples: Iterable[Sample], total: int, show: bool) -> list[Encoded]:
    """Encode a whole dataset, with a progress bar if wanted.

    Raises:
        UserError: Some samples are refused: how many, and why the first one.
    """
    encoded: list[Encoded] = []
    refused: list[str] = []
    for sample in tqdm(samples, total=total, unit=" samples", desc="encode", disable=not show, mininterval=1):
        try:
            encoded.append(encoder(sample))
        except UserError as error:
            refused.append(str(error))
    if refused:
        raise UserError(f"{len(refused)} of {total} samples cannot be trained on; the first: {refused[0]}")
    return encoded
