"""Lengths in tokens: what a sample takes of a model's context, estimated without any vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import regex

from idf.drawing import PATCH, decoded_size
from idf.errors import UserError

from ._sample import Sample, text_of

SPLIT = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
"""How Qwen2 cuts text into words before BPE (`tokenizer.json` of Qwen2.5): single digits, words with the blank before them.
No token reaches over a cut, and nearly every word of our texts is one token."""

# What the chat template of Qwen2.5-VL adds: its system message, and around each turn <|im_start|>, the role and a line
# break, <|im_end|> and a line break; around each picture <|vision_start|> and <|vision_end|>.
_SYSTEM = 11
_TURN = 5
_PICTURE = 2

_WORDS = regex.compile(SPLIT)


@dataclass(frozen=True)
class Lengths:
    """The length of a sample in tokens.

    Attributes:
        prompt: All text that the model is given, what the chat template adds included.
        answer: What the model is to say, the end of its turn included: the tokens that are learned.
        vision: What its pictures take, one token for 28 x 28 pixels.
    """

    prompt: int
    answer: int
    vision: int

    @property
    def total(self) -> int:
        """All tokens of the sample."""
        return self.prompt + self.answer + self.vision


class TokenCounter(Protocol):
    """Who counts tokens.

    Attributes:
        how: How it counts, in a word or two; stands wherever its counts are shown.
    """

    how: str

    def __call__(self, sample: Sample) -> Lengths:
        """The length of a sample.

        Raises:
            UserError: The sample cannot be counted; it is named.
        """


class EstimatedTokens:
    """Counts words as Qwen2's pre-tokenisation cuts them. At most too few: a rare word is several tokens."""

    how = "estimated"

    def __call__(self, sample: Sample) -> Lengths:
        """As `TokenCounter`."""
        prompt, answer = 0 if sample.messages and sample.messages[0]["role"] == "system" else _SYSTEM, 0
        for message in sample.messages:
            words = len(_WORDS.findall(text_of(message)))
            pictures = sum(part["type"] == "image" for part in message["content"])
            if message["role"] == "assistant":
                answer += words + 1  # the end of the turn is said, the rest of the frame is given
                prompt += _TURN - 1
            else:
                prompt += words + _TURN + pictures * _PICTURE
        # A side that is no multiple of 28 is resampled to the nearest one by the model's processor.
        sides = [size_of_picture(sample, image) for image in sample.images]
        vision = sum(max(1, round(width / PATCH)) * max(1, round(height / PATCH)) for width, height in sides)
        return Lengths(prompt, answer, vision)


def size_of_picture(sample: Sample, image: bytes) -> tuple[int, int]:
    """(width, height) of a picture of a sample, in pixels, from its header alone.

    Raises:
        UserError: It is no file that `decode_picture` reads, as far as its header says; the sample is named.
    """
    try:
        return decoded_size(image)
    except ValueError as error:
        raise UserError(f"sample {sample.id}: a picture of it cannot be read: {error}") from None
