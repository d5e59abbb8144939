"""What is asked: items in modes, several samples of each, as requests that are made when their turn comes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from idf.backends import Request, Sampling
from idf.drawing import damaged, is_turned
from idf.suites import Item, item_prompt

from .picture import picture_of, read_file, seen_size

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Form:
    """How items are shown.

    Attributes:
        prompts: The prompt set.
        max_pixels: Largest picture; larger ones are made smaller, the same way for every backend.
        redraw_worlds: Worlds whose pictures are drawn from the state, even if there is a file.
        damage: What is done to every picture, one of `idf.drawing.DAMAGES`; None for nothing.
    """

    prompts: str
    max_pixels: int
    redraw_worlds: frozenset[str] = frozenset()
    damage: str | None = None


@dataclass(frozen=True)
class Ask:
    """One response that is wanted.

    Attributes:
        item: The item.
        mode: What the model is shown.
        sample: Which of several responses, from 0.
    """

    item: Item
    mode: str
    sample: int = 0


def all_asks(items: Sequence[Item], modes: Sequence[str], samples: int = 1) -> list[Ask]:
    """Every item in every mode, in the order of modes, items, samples."""
    return [Ask(item, mode, sample) for mode in modes for item in items for sample in range(samples)]


class Requests(Sequence[Request]):
    """Asks as requests; each is made when it is looked up, since pictures are large. Asks of one item that follow each other
    share a picture.

    Args:
        asks: The asks.
        form: How they are shown.
    """

    def __init__(self, asks: Sequence[Ask], form: Form) -> None:
        self.asks, self.form = asks, form
        self._last: tuple[Item, NDArray[np.uint8]] | None = None

    def __len__(self) -> int:
        return len(self.asks)

    @overload
    def __getitem__(self, at: int) -> Request: ...
    @overload
    def __getitem__(self, at: slice) -> Requests: ...
    def __getitem__(self, at: int | slice) -> Request | Requests:
        if isinstance(at, slice):
            return Requests(self.asks[at], self.form)
        ask = self.asks[at]
        picture = None if ask.mode == "tqa" else self._picture(ask.item)
        return Request(messages_of(ask, self.form), picture, ask.sample)

    def _picture(self, item: Item) -> NDArray[np.uint8]:
        if self._last is None or self._last[0] is not item:
            form = self.form
            picture = picture_of(item, form.max_pixels, item.world in form.redraw_worlds)
            self._last = item, picture if form.damage is None else damaged(picture, form.damage)
        return self._last[1]

    def __iter__(self) -> Iterator[Request]:
        return (self[i] for i in range(len(self)))


def messages_of(ask: Ask, form: Form) -> list[dict[str, Any]]:
    """The conversation of an ask, without the pixels."""
    from idf.data import conversation  # not above: whoever scores stored responses shall not wait for parquet

    text = item_prompt(ask.item, ask.mode, form.prompts)
    return conversation(text, None, with_picture=ask.mode != "tqa")


def size_of(ask: Ask, form: Form) -> tuple[int, int] | None:
    """Width and height of the picture as the model sees it; None if there is none."""
    if ask.mode == "tqa":
        return None
    return seen_size(ask.item, form.max_pixels, ask.item.world in form.redraw_worlds)


class Keys:
    """Names of answers: what may give another answer has another name.

    Args:
        who: The fingerprint of whoever answers.
        sampling: How tokens are chosen.
        form: How items are shown.
    """

    def __init__(self, who: str, sampling: Sampling, form: Form) -> None:
        self.form = form
        self._common = [who, sampling.max_new_tokens, sampling.temperature, sampling.top_p, sampling.seed]
        self._pictures: dict[str, str] = {}

    def __call__(self, ask: Ask) -> str:
        """The key of an ask, 40 hexadecimal digits."""
        shown = None if ask.mode == "tqa" else self._picture(ask.item)
        text = json.dumps([*self._common, messages_of(ask, self.form), shown, ask.sample])
        return hashlib.sha256(text.encode()).hexdigest()[:40]

    def _picture(self, item: Item) -> str:
        """A hash of the pixels of a drawing, or of a file and what is made of it."""
        if item.id not in self._pictures:
            redraw = item.world in self.form.redraw_worlds
            # An earlier idf asked with turned pictures as they lay: the pixels tell that from today's, the file does not.
            if redraw or item.picture is None or not item.picture.exists() or read_file(item, item.picture, is_turned):
                pixels = picture_of(item, self.form.max_pixels, redraw)
                digest = hashlib.sha256(f"{pixels.shape}".encode())
                digest.update(np.ascontiguousarray(pixels).data)
            else:  # decoding the published pictures takes a second each
                digest = hashlib.sha256(f"{self.form.max_pixels}".encode())
                digest.update(Path(item.picture).read_bytes())
            if self.form.damage is not None:
                digest.update(self.form.damage.encode())
            self._pictures[item.id] = digest.hexdigest()
        return self._pictures[item.id]
