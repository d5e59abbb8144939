"""What all kinds of answers have in common: the one interface that scoring, baselines, prompts and exports ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

Value = Any
"""An answer that was read: JSON values, or a tuple of actions for a plan."""

T = TypeVar("T")


class Chance(Protocol):
    """A source of random numbers, such as `idf.worlds.Rng`."""

    def below(self, n: int) -> int:
        """A whole number in [0, n)."""

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""


class AnswerKind(ABC):
    """One kind of answer to one question: how it is asked for, written down, read and guessed.

    An object knows what is asked as far as reading needs it, such as the face whose colour is wanted. One that was made
    without a question reads what any question of its kind would take.

    Class attributes:
        kind: Its name, as suites and results store it.
        called: What a language model is asked to copy: "the colour".
        several: Whether it is made of parts, which may stand on lines of their own.
    """

    kind: ClassVar[str]
    called: ClassVar[str]
    several: ClassVar[bool] = False

    @classmethod
    def of_colours(cls, colours: Sequence[str]) -> AnswerKind:
        """The kind with nothing asked, for texts that use these names of colours."""
        return cls()

    @property
    @abstractmethod
    def form(self) -> str:
        """What a prompt shows behind `Answer:`, with `<...>` for what is to be put in; it must not read as an answer."""

    @abstractmethod
    def read(self, text: str) -> Value | None:
        """The answer that a stated text commits to, or None; strict: what is not understood makes the whole unread."""

    @abstractmethod
    def write(self, value: Value) -> str:
        """An answer as it should stand behind `Answer:`; `read` reads it back."""

    @abstractmethod
    def mentions(self, text: str) -> bool:
        """Whether a text that cannot be read names what could be an answer: then it is ambiguous, not prose."""

    @abstractmethod
    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> Value:
        """A random answer, for the trivial baseline.

        Args:
            rng: Where chance comes from.
            initial: The answer of somebody who imagines nothing.
            walk: Draws random legal actions, as many as a shortest plan has.
        """

    def same(self, value: Value, truth: Value) -> bool:
        """Whether two answers say the same."""
        return bool(value == truth)

    def stored(self, value: Value) -> Value:
        """An answer as JSON values."""
        return value

    # --- loose forms: where prose may state an answer as well

    prose: ClassVar[bool] = True
    """Whether a sentence of prose can state it."""

    def names_all(self, text: str) -> bool:
        """Whether a tidy sentence names all that was asked, so that it may be a conclusion."""
        return True

    def names_another(self, text: str, value: Value) -> bool:
        """Whether a tidy sentence names a value other than a given one; if that cannot be told, whether it names any."""
        return self.mentions(text)

    def is_contradicted(self, text: str, value: Value) -> bool:
        """Whether a tidy sentence below an answer, which nothing introduces, can only mean another value."""
        return False

    def names_value_alone(self, text: str) -> bool:
        """Whether a tidy sentence that reads as a value, with nothing leading up to it, is a statement of its own."""
        return self.names_all(text) or len(text.split()) <= 2

    def concludes(self, text: str) -> bool:
        """Whether a tidy last sentence, which names all that was asked, states the answer though it names no end."""
        return False

    def leads_to_value(self, text: str) -> bool:
        """Whether "the answer is" goes on to name a value: not "... found by rolling the cube"."""
        return True

    def may_be_prose(self, text: str, value: Value) -> bool:
        """Whether a tidy text that can be read may as well be a word or two of prose."""
        return False

    def may_be_bare(self, text: str) -> bool:
        """Whether a tidy text may be a response that is nothing but an answer."""
        return True
