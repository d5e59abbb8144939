"""How the moves of a plan are written. A world of plans names its notation."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


class Notation(ABC):
    """A way to write moves down.

    Everything around the moves is the same in all plans (a lead such as "the moves are:", the numbers of a list, a stated
    length) and is taken off before.
    """

    @abstractmethod
    def read(self, text: str) -> list[str] | None:
        """The moves that a tidy text consists of, as the world spells them; None if any word of it is not understood."""

    @abstractmethod
    def mentions(self, text: str) -> bool:
        """Whether a tidy text that cannot be read names a move."""

    def write(self, plan: Sequence[str]) -> str:
        """The moves of a plan that has some."""
        return " ".join(plan)

    def is_word(self, text: str, plan: Sequence[str]) -> bool:
        """Whether a tidy text that reads as this plan may as well be a word of prose, as in "The answer is right"."""
        return len(plan) == 1 and not re.search(r"(?<![\w'])\d?[udlr]\d?(?![\w'])|\d", text)


_BETWEEN_NAMES = re.compile(r"[\s,;.\[\](){}\"'`*]+|->|→")


@dataclass(frozen=True)
class Named(Notation):
    """Moves by the names of a world's actions, between blanks, commas, arrows or quotes.

    Attributes:
        actions: The names, in lower case.
    """

    actions: tuple[str, ...]

    def read(self, text: str) -> list[str] | None:
        words = [word for word in _BETWEEN_NAMES.split(text) if word]
        return words if set(words) <= set(self.actions) else None

    def mentions(self, text: str) -> bool:
        return not set(self.actions).isdisjoint(_BETWEEN_NAMES.split(text))

    def is_word(self, text: str, plan: Sequence[str]) -> bool:
        return len(plan) == 1


_BETWEEN_PHRASES = re.compile(r"(?:[\s,;.|\[\](){}\"'`]|->|=>|→|\b(?:and|then|next|finally)\b)+")


@dataclass(frozen=True)
class Phrases(Notation):
    r"""Moves by patterns of a world's own, such as "a->c" and "move disc from a to c".

    Attributes:
        forms: Pairs of a regular expression that matches one whole move in lower case, and the world's name for it, with
            `\1`, `\2` for its groups. Of those that match, the first one counts. None may match nothing.
    """

    forms: tuple[tuple[str, str], ...]

    def read(self, text: str) -> list[str] | None:
        patterns = [(re.compile(form), name) for form, name in self.forms]
        plan: list[str] = []
        at = _skip(text, 0)
        while at < len(text):
            found = next(((match, name) for form, name in patterns if (match := form.match(text, at))), None)
            if found is None or found[0].end() == at:
                return None
            match, name = found
            plan.append(match.expand(name))
            at = _skip(text, match.end())
            if at == match.end() < len(text):
                return None  # run into something else: "a->cd"
        return plan

    def mentions(self, text: str) -> bool:
        return any(re.search(form, text) for form, _ in self.forms)

    def is_word(self, text: str, plan: Sequence[str]) -> bool:
        return False


def _skip(text: str, at: int) -> int:
    """The place behind what may stand between two moves."""
    between = _BETWEEN_PHRASES.match(text, at)
    return between.end() if between else at
