"""Conversations -> token ids and labels, each turn tokenised apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from typing import Any

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from idf.data import Sample, size_of_picture
from idf.drawing import PATCH, check_picture, size_on_grid
from idf.errors import UserError

IGNORE = -100
AT_ONCE = 50
"""Samples whose texts are tokenised in one call."""


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


@dataclass(frozen=True)
class _Prepared:
    """A sample whose turns wait for the tokenizer."""

    sample: Sample
    grids: list[tuple[int, int, int]]
    turns: list[tuple[str, bool]]


class Encoder:
    """Encodes conversations with a model's own chat template.

    It can be pickled, and works without torch and without the parts of transformers that take seconds to import: so a
    worker process is quickly there.

    Args:
        processor: The model's processor (tokenizer, image processor, chat template).
        max_length: A longer conversation is refused: cutting it would cut pictures or answers.
        max_pixels: A larger picture is refused: resampling it would change what training saw.

    Attributes:
        grid: Side in pixels of what the model sees as one token: 28 in Qwen2-VL and Qwen2.5-VL, 32 in Qwen3-VL.
            Pictures get a margin up to its next multiple.
    """

    def __init__(self, processor: Any, max_length: int, max_pixels: int) -> None:
        tokenizer = processor.tokenizer
        self._tokenizer = tokenizer.backend_tokenizer
        self.split_special_tokens = tokenizer.split_special_tokens
        self.template = _template_of(processor)
        self.template_variables = dict(tokenizer.special_tokens_map)
        self.max_length = max_length
        self.max_pixels = max_pixels
        image_processor = processor.image_processor
        self.patch = image_processor.patch_size
        self.merge = image_processor.merge_size
        self.grid = self.patch * self.merge
        self.image_token_id = tokenizer.convert_tokens_to_ids("<|image_pad|>")
        self.special_tokens = sorted(set(tokenizer.all_special_tokens))  # in one order in every process

    def __call__(self, sample: Sample) -> Encoded:
        """Encode one sample.

        Raises:
            UserError: It is too long, has no assistant turn, a text holds a special token, a picture cannot be decoded, or
                pictures and placeholders do not match; the sample is named.
        """
        (encoded,) = self.each([sample])
        if isinstance(encoded, UserError):
            raise encoded
        return encoded

    def each(self, samples: Iterable[Sample]) -> Iterator[Encoded | UserError]:
        """Encode samples, `AT_ONCE` at a time.

        Yields:
            For each sample in order what `__call__` returns or, where that raises, the error.
        """
        rest = iter(samples)
        while some := list(islice(rest, AT_ONCE)):
            prepared = [self._prepare(sample) for sample in some]
            turns = [text for one in prepared if isinstance(one, _Prepared) for text, _ in one.turns]
            texts = list(dict.fromkeys(turns))  # what the template puts between turns is the same again and again
            encodings = self._plain_tokenizer().encode_batch_fast(texts, add_special_tokens=False)
            tokens = {text: encoding.ids for text, encoding in zip(texts, encodings, strict=True)}
            for one in prepared:
                yield self._finish(one, [tokens[text] for text, _ in one.turns]) if isinstance(one, _Prepared) else one

    def _plain_tokenizer(self) -> Any:
        """The tokenizer without what others may have set in it when they called the processor; pickling loses the last one."""
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._tokenizer.encode_special_tokens = self.split_special_tokens
        return self._tokenizer

    def _prepare(self, sample: Sample) -> _Prepared | UserError:
        try:
            self._refuse_special_tokens(sample)
            grids = [self._grid(sample, image) for image in sample.images]
            return _Prepared(sample, grids, self.turns(sample.messages))
        except UserError as error:
            return error
        except TemplateError as error:
            return UserError(f"sample {sample.id}: this model's chat template does not take it: {error}")

    def _finish(self, prepared: _Prepared, tokens: Sequence[Sequence[int]]) -> Encoded | UserError:
        """The sample, from the token ids of its turns."""
        sample, grids = prepared.sample, prepared.grids
        lengths = [len(turn) for turn in tokens]
        ids = np.fromiter(chain.from_iterable(tokens), np.int32, sum(lengths))
        spoken = np.repeat(np.array([spoken for _, spoken in prepared.turns], bool), lengths)
        places = ids == self.image_token_id
        shown = int(places.sum())
        if shown > len(grids):
            return UserError(f"sample {sample.id}: its messages show more pictures than the {len(grids)} it has")
        if shown < len(grids):
            return UserError(f"sample {sample.id}: it has {len(grids)} pictures, but its messages show fewer")
        labels = np.where(spoken & ~places, ids, np.int32(IGNORE))
        if grids:
            times = np.ones(len(ids), np.int64)
            times[places] = np.prod(grids, axis=1) // self.merge**2
            ids, labels = np.repeat(ids, times), np.repeat(labels, times)
        if not (labels != IGNORE).any():
            return UserError(f"sample {sample.id}: no assistant turn, so there is nothing to learn from it")
        if len(ids) > self.max_length:
            return UserError(
                f"sample {sample.id} is {len(ids)} tokens long, tokens_per_row allows {self.max_length}: raise "
                "tokens_per_row, or make the data with smaller pictures (max_pixels)"
            )
        return Encoded(ids, labels, grids)

    def fingerprint(self) -> str:
        """A hash of all that decides over token ids: vocabulary, chat template, sizes, limits, and what is checked."""
        decides = [
            self._plain_tokenizer().to_str(),
            self.template,
            *map(str, (self.grid, self.patch, self.max_length, self.max_pixels, IGNORE)),
            "pictures decoded",  # tokens that an earlier idf stored say nothing of what it did not decode
        ]
        return sha256("\0".join(decides).encode()).hexdigest()

    def turns(self, messages: Sequence[dict[str, Any]]) -> list[tuple[str, bool]]:
        """The rendered conversation, cut into pieces: (text, whether the assistant speaks it).

        The template renders ever longer prefixes of the conversation; what each message adds is its turn. So the
        cut is right for any template, and no word inside a turn can be taken for a role.
        """
        told = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        # After each message, and where the assistant is about to speak.
        wholes = self._render([messages[: i + 1] for i in range(len(messages))], False)
        headers = dict(zip(told, self._render([messages[:i] for i in told], True), strict=True))
        pieces: list[tuple[str, bool]] = []
        rendered = ""
        for i, whole in enumerate(wholes):
            header = headers.get(i, rendered)
            if not (header.startswith(rendered) and whole.startswith(header)):
                raise UserError("this model's chat template does not render turns one after the other")
            added = whole[len(header) :]
            if i in headers:
                body = added.rstrip("\n")  # the line break after the end-of-turn token is the template's, not spoken
                pieces += [(header[len(rendered) :], False), (body, True), (added[len(body) :], False)]
            else:
                pieces.append((added, False))
            rendered = whole
        return [piece for piece in pieces if piece[0]]

    def _render(self, conversations: Sequence[Sequence[dict[str, Any]]], add_generation_prompt: bool) -> list[str]:
        """What the processor's `apply_chat_template` makes of each; nothing of an empty one."""
        from transformers.utils.chat_template_utils import render_jinja_template

        filled = [list(messages) for messages in conversations if messages]
        rendered, _ = render_jinja_template(
            conversations=filled,
            chat_template=self.template,
            add_generation_prompt=add_generation_prompt,
            **self.template_variables,
        )
        texts = iter(rendered)
        return [next(texts) if messages else "" for messages in conversations]

    def _refuse_special_tokens(self, sample: Sample) -> None:
        for message in sample.messages:
            for part in message["content"]:
                if part["type"] == "text" and "<|" in part["text"]:
                    for token in self.special_tokens:
                        if token in part["text"]:
                            raise UserError(f"sample {sample.id}: its text holds the special token {token}")

    def _grid(self, sample: Sample, image: bytes) -> tuple[int, int, int]:
        """The patch grid of a picture, which is checked once here: else a step of the training would come upon the damage."""
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


def _template_of(processor: Any) -> str:
    """The chat template that a processor applies unless it is told another one."""
    template = processor.chat_template or processor.tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    if template is None:
        raise UserError("the model's processor has no chat template: copy chat_template.jinja from the base model")
    return str(template)
