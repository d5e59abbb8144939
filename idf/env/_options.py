"""How an episode is shown, and how much may be said in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from idf.errors import UserError
from idf.recipe import check_pixels

SHOWS = ("text", "picture", "both", "window")
"""What an episode shows: the state in words, its picture, both, or what an agent on the board sees around itself."""

_TOKEN = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")


def count_tokens(text: str) -> int:
    """Tokens by a rule without a vocabulary: a run of letters is one, so is each digit and each other sign; blanks are none."""
    return len(_TOKEN.findall(text))


@dataclass(frozen=True)
class Options:
    """How an episode goes.

    Attributes:
        show: One of `SHOWS`.
        radius: How many cells far an agent sees, diagonally too, if `show` is "window".
        max_moves: Replies after which the episode ends; an illegal or unreadable one counts, a belief does not. None for
            no end.
        max_tokens: Tokens that all replies may have together, beliefs included; the one that goes beyond is not read and ends
            the episode. None for no end.
        probe_every: After how many moves (of a described world: states) the whole scene is asked for; None for never.
        max_pixels: Largest picture; None for the world's own size.
        count: Counts the tokens of a reply.
    """

    show: str = "text"
    radius: int = 1
    max_moves: int | None = 100
    max_tokens: int | None = None
    probe_every: int | None = None
    max_pixels: int | None = None
    count: Callable[[str], int] = count_tokens

    def __post_init__(self) -> None:
        """Refuse what means nothing, with a sentence."""
        if self.show not in SHOWS:
            raise UserError(f"show must be one of {', '.join(SHOWS)}, not {self.show!r}")
        for name in ("radius", "max_moves", "max_tokens", "probe_every"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise UserError(f"{name} must be a whole number from 1{' or None' * (name != 'radius')}, not {value!r}")
        if self.radius is None:
            raise UserError("radius must be a whole number from 1, not None")
        if self.max_pixels is not None and not isinstance(self.max_pixels, int):
            raise UserError(f"max_pixels must be a whole number or None, not {self.max_pixels!r}")
        check_pixels(self.max_pixels)
        if not callable(self.count):
            raise UserError(f"count must be a function from a text to its number of tokens, not {self.count!r}")

    @property
    def pictured(self) -> bool:
        """Whether pictures are shown."""
        return self.show in ("picture", "both")
