"""An answer of any kind, or that there is none: "cannot be determined". Only worlds that show a scene in part ask for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ._kind import AnswerKind, Chance, Value
from ._plain import as_stated
from ._value import elsewhere
from ._words import LONGEST_VALUE

UNDETERMINED = "cannot be determined"
"""The answer of somebody who does not answer, because what is shown leaves several answers open."""

_HOW = r"(?:(?:uniquely|definitively|definitely|fully|unambiguously|reliably|really|exactly|logically|certainly) )?"
_NOT = r"(?:can ?not|can't|could not|couldn't|is unable to|are unable to|am unable to|(?:is|are|am) not able to)"
_DONE = (
    r"(?:determined|decided|known|told|inferred|deduced|concluded|derived|established|identified|answered|specified|resolved|"
    r"ascertained|settled)"
)
_DO = r"(?:determine|decide|know|tell|infer|deduce|conclude|derive|establish|identify|answer|say|ascertain|settle)"
_UNKNOWN = (
    r"(?:undetermined|indeterminate|indeterminable|undeterminable|underdetermined|undecidable|undecided|unknown|unknowable|"
    r"inconclusive|ambiguous|not (?:uniquely |fully )?(?:determined|determinable|decidable|known|unique))"
)
_LITTLE = r"(?:not enough|insufficient|too little|not sufficient|no sufficient)"
_SHOWN = r"(?:information|data|details|evidence|views?)"
_WHAT = (
    r"(?:the |its |this |that |it|which )?(?:final |correct |exact |asked )?(?:answer|colou?rs?|numbers?|counts?|value|result|"
    r"question|pushes|least number of pushes|arrangement|one|\w+ face)?(?: (?:of|to|on|at) (?:the )?(?:\w+ ){0,4}\w+)?"
)
_SAYS = re.compile(
    r"(?:(?:so|thus|therefore|hence|then|and|it is that)[, ]{1,2})*(?:"
    rf"(?:{_WHAT} )?{_NOT} be {_HOW}{_DONE}(?: uniquely)?"
    rf"|(?:(?:i|we|you|one) )?(?:{_NOT}|unable to|not able to) {_HOW}{_DO}(?: (?:it|this|that|{_WHAT}))?"
    rf"|(?:{_WHAT} )?(?:(?:is|are|remains?|stays?) )?{_UNKNOWN}"
    rf"|(?:it is |it's )?(?:impossible|not possible) to {_HOW}{_DO}(?: (?:it|this|that|{_WHAT}))?"
    rf"|(?:there (?:is|are) |i have |we have )?{_LITTLE} (?:is |are )?(?:{_SHOWN}|shown|given|known)"
    rf"|(?:the |what (?:is |are )?)?(?:given |shown |known |available )?(?:{_SHOWN} )?(?:is |are ){_LITTLE}"
    r"|(?:there is )?no (?:unique|single|one|definite) answer"
    r")(?P<reason>[ ,;:.(!-].*)?",
    re.DOTALL,
)
_REASON = re.compile(
    r"[\s.!]*$|[\s,;:.(-]*(?:at the end|after|from|with|by|based on|given|using|because|since|as|due to|for|to|without|in|out of|"
    r"when|here|it|"
    r"there|both|several|two|three|more than|the|all|which|only|not enough|what|each|different|at least)\b[^\n]*$"
)
_HEDGES = re.compile(
    r"\b(?:but|however|although|though|yet|nevertheless|still|probably|likely|perhaps|guess|best|if|unless|assum\w+|answer is|"
    r"would be|should be|must be|wait|actually)\b|\?"
)
_ONE_OF = re.compile(r"(?:either|one of)\b")  # "one of blue and cannot be determined" says both
_CHINESE = re.compile(
    r"\W*(?:答案)?(?:是|为)?(?:(?:无法|不能|不可)(?:唯一)?(?:确定|判断|得知|推断|知道)|不确定|不能唯一确定|未知|信息不足|信息不够)\W*"
)


def says_undetermined(text: str, asked: Collection[str] = ()) -> bool:
    """Whether a stated text says that there is no one answer, with a reason or without, and offers none all the same.

    Args:
        text: What is stated.
        asked: The words of the place that is asked; of another place it says nothing.
    """
    if _CHINESE.fullmatch(text.strip()):
        return True
    said = as_stated(text)
    if said is None or len(said) > LONGEST_VALUE:
        return False
    said = said.strip(" .!\"'()[]<>*")
    match = _SAYS.fullmatch(said)
    if match is None or _ONE_OF.match(said):
        return False
    reason = match["reason"] or ""
    if elsewhere(said[: match.start("reason")] if reason else said, asked):
        return False
    return bool(_REASON.match(reason)) and not _HEDGES.search(reason)


@dataclass(frozen=True)
class OrUndetermined(AnswerKind):
    """An answer of another kind, or `UNDETERMINED`.

    It goes by the name of that kind, and reads, writes and compares its answers as that kind does.

    Attributes:
        inner: The kind of an answer that there is.
    """

    inner: AnswerKind

    @property
    def kind(self) -> str:  # type: ignore[override]
        """The name of the kind of an answer that there is."""
        return self.inner.kind

    @property
    def called(self) -> str:  # type: ignore[override]
        """What a language model is asked to copy."""
        return self.inner.called

    @property
    def several(self) -> bool:  # type: ignore[override]
        """Whether it is made of parts."""
        return self.inner.several

    @property
    def prose(self) -> bool:  # type: ignore[override]
        """Whether a sentence of prose can state it."""
        return self.inner.prose

    @property
    def form(self) -> str:
        return f"{self.inner.form}, or: {UNDETERMINED}"

    def _says(self, text: str) -> bool:
        return says_undetermined(text, getattr(self.inner, "asked", ()))

    def read(self, text: str) -> Value | None:
        return UNDETERMINED if self._says(text) else self.inner.read(text)

    def write(self, value: Value) -> str:
        return UNDETERMINED if value == UNDETERMINED else self.inner.write(value)

    def stored(self, value: Value) -> Value:
        return value if value == UNDETERMINED else self.inner.stored(value)

    def mentions(self, text: str) -> bool:
        return self._says(text) or self.inner.mentions(text)

    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> Value:
        return UNDETERMINED if rng.below(2) else self.inner.guess(rng, initial, walk)

    def same(self, value: Value, truth: Value) -> bool:
        if UNDETERMINED in (value, truth):
            return bool(value == truth)
        return self.inner.same(value, truth)

    def names_all(self, text: str) -> bool:
        return self._says(text) or self.inner.names_all(text)

    def names_another(self, text: str, value: Value) -> bool:
        """Who says that nothing is determined may name what it could be; only an answer is another value then."""
        if value == UNDETERMINED:
            return self.inner.read(text) is not None
        return self._says(text) or self.inner.names_another(text, value)

    def is_contradicted(self, text: str, value: Value) -> bool:
        return value != UNDETERMINED and self.inner.is_contradicted(text, value)

    def names_value_alone(self, text: str) -> bool:
        return self._says(text) or self.inner.names_value_alone(text)

    def concludes(self, text: str) -> bool:
        return self._says(text) or self.inner.concludes(text)

    def leads_to_value(self, text: str) -> bool:
        return self._says(text) or self.inner.leads_to_value(text)

    def may_be_prose(self, text: str, value: Value) -> bool:
        return value != UNDETERMINED and self.inner.may_be_prose(text, value)

    def may_be_bare(self, text: str) -> bool:
        return self._says(text) or self.inner.may_be_bare(text)
