"""The last word of a trace on each step, and what it reads off beside its steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from idf.answers import plain_colours
from idf.worlds import WORLDS, Problem, read_words

from ._claims import Reading, read_trace
from ._heads import Claim

_Words = tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """The claim that stands for a step; it is stale if the trace later went back behind it."""

    claim: Claim
    stale: bool = False


def last_word(claims: Sequence[Claim]) -> tuple[dict[int, Standing], int]:
    """The claim that stands for each step, and how many were taken back: the last word on a step counts.

    Saying a step again in the same words changes nothing. Saying it differently takes it back, and what followed it
    stands only as far as it turns out right.
    """
    chain: dict[int, Standing] = {}
    corrections = 0
    for claim in claims:
        before = chain.get(claim.number)
        if before is None or before.stale:
            chain[claim.number] = Standing(claim)
            continue
        same_action = None in (claim.action, before.claim.action) or claim.action == before.claim.action
        if same_action and None in (claim.state, before.claim.state):
            state = claim.state if before.claim.state is None else before.claim.state
            chain[claim.number] = Standing(replace(claim, action=claim.action or before.claim.action, state=state))
        elif not same_action or claim.state != before.claim.state:
            corrections += 1
            chain = {
                n: standing if n < claim.number else replace(standing, stale=True) for n, standing in chain.items()
            }
            chain[claim.number] = Standing(claim)
    return chain, corrections


@dataclass(frozen=True)
class ReadOffs:
    """What a trace says of what the solver would read off.

    Attributes:
        false: The first line that is false; empty if there is none.
        truth: What would be right there.
        seen: Whether that line says what is seen before any step, such as a target.
        unsaid: The labels of what the trace does not state.
        said: How many of those that come after the last step it states truly.
    """

    false: str
    truth: str
    seen: bool
    unsaid: tuple[str, ...]
    said: int = 0


def false_read_off(problem: Problem[Any, Any], reading: Reading) -> ReadOffs | None:
    """The first thing that a trace reads off falsely, as `compare_read_offs` finds it; None if there is none."""
    labels = _solver_labels(problem)
    if not any(_label(line) in labels for line in (*reading.beside(), *reading.after_the_last())):
        return None  # the solver's own trace need not be read
    found = compare_read_offs(problem, reading)
    return found if found.false else None


@lru_cache(maxsize=2048)
def _solver_labels(problem: Problem[Any, Any]) -> frozenset[_Words]:
    """The labels of all lines of the solver, those that it reads off among them."""
    return frozenset(_label(line) for line in WORLDS[problem.world].narrate(problem).splitlines())


def compare_read_offs(problem: Problem[Any, Any], reading: Reading) -> ReadOffs:
    """Compare the lines of a trace that belong to no step with those of the solver, label by label."""
    anywhere, at_the_end, alphabet = _solver_readings(problem)
    said = [
        (label, words, line) for line in reading.beside() for label, words in [_labelled(line)] if label in anywhere
    ]
    said += [
        (label, words, line)
        for line in reading.after_the_last()
        for label, words in [_labelled(line)]
        if label in at_the_end
    ]
    truths = anywhere | at_the_end
    last = {label: (words, line) for label, words, line in said}
    for label, (words, line) in last.items():
        truth = truths[label]
        less = words == truth[: len(words)]  # says less, but nothing false
        if not less and all(word in alphabet or re.fullmatch("-?[0-9]+", word) for word in words):
            return ReadOffs(line.strip(), " ".join(truth), label in anywhere, ())
    unsaid = tuple(" ".join(label) for label, truth in truths.items() if last.get(label, ((), ""))[0] != truth)
    return ReadOffs(
        "", "", False, unsaid, sum(last.get(label, ((), ""))[0] == truth for label, truth in at_the_end.items())
    )


@lru_cache(maxsize=2048)
def _solver_readings(
    problem: Problem[Any, Any],
) -> tuple[dict[_Words, _Words], dict[_Words, _Words], frozenset[str]]:
    """What the solver reads off: label -> words, before its steps and after them; and all words that it uses."""
    world = WORLDS[problem.world]
    reading = _solver_trace(problem)
    after = dict(map(_labelled, reading.after_the_last()))
    before = {label: words for label, words in map(_labelled, reading.beside()) if label not in after}
    alphabet = {word for words in (*before.values(), *after.values()) for word in words}
    alphabet.update(map(plain_colours, world.colours))
    return (
        {label: words for label, words in before.items() if words},
        {label: words for label, words in after.items() if words},
        frozenset(alphabet),
    )


def reads_off(problem: Problem[Any, Any], line: str) -> bool:
    """Whether a line has the label of what the solver reads off the last state."""
    return _labelled(line)[0] in _solver_readings(problem)[1]


def is_read_off(problem: Problem[Any, Any], line: str) -> bool:
    """Whether a line is one that the solver writes behind its steps, to the letter: it reads a state off and claims none."""
    return line in _solver_trace(problem).after_the_last()


@lru_cache(maxsize=2048)
def _solver_trace(problem: Problem[Any, Any]) -> Reading:
    world = WORLDS[problem.world]
    return read_trace(world, world.narrate(problem))


def _labelled(line: str) -> tuple[_Words, _Words]:
    """The words before and after the first colon of a line."""
    return _label(line), _words(line.partition(":")[2])


def _label(line: str) -> _Words:
    return _words(line.partition(":")[0])


def _words(text: str) -> _Words:
    return tuple(map(plain_colours, read_words(text)))
