"""The rule parser: the final `Answer:` line of a response, read strictly.

It never repairs a plan, never takes letters out of prose, and prefers to say "unparsed" over guessing.
"""

from __future__ import annotations

import re
from typing import Any

from idf.worlds import Answer, World
from idf.worlds.mental_rotation import counts_text

_ANSWER_LINE = re.compile(
    r"^[\W_]*(?:the\s+)?(?:final\s+)?answer[\s*_`]*(?:is)?[\s*_`]*[::][\s*_`]*(.*)$", re.IGNORECASE
)
_THINK_BLOCK = re.compile(r"<think>.*?</think>", re.DOTALL)
_SEPARATORS = re.compile(r"[\s,;.\[\](){}'\"`*]+|->|→")
_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def final_answer(response: str) -> str | None:
    """What the last `Answer:` line says, or None if there is no such line.

    Think blocks are left out: what is said inside `<think>` is not an answer. One that never ends hides all after it.
    """
    text = _THINK_BLOCK.sub("\n", response)
    text = text.split("<think>")[0]
    found = None
    for line in text.splitlines():
        if match := _ANSWER_LINE.match(line):
            found = match[1].strip().rstrip("*_`").strip()
    return found


def parse_answer(world: World[Any, Any], kind: str, text: str) -> Answer | None:
    """The answer that a text states, in the form that `World.judge` takes, or None if it does not state one.

    Args:
        world: The world that the answer belongs to (its colour names, its actions).
        kind: "colour", "count", "colour_counts" or "plan".
        text: What stands after `Answer:`.

    Raises:
        ValueError: The kind is unknown.
    """
    if kind == "colour":
        return _colour(world, text)
    if kind == "count":
        return _count(text)
    if kind == "colour_counts":
        return _colour_counts(world, text)
    if kind == "plan":
        return _plan(world, text)
    raise ValueError(f"unknown kind of answer {kind!r}")


def write_answer(kind: str, answer: Answer) -> str:
    """An answer as it should stand after `Answer:`; `parse_answer` reads it back."""
    if kind == "colour_counts":
        return counts_text(answer)
    return " ".join(answer) if kind == "plan" else str(answer)


def _spell(world: World[Any, Any], text: str) -> str:
    """The text in lower case, with gray or grey spelled as this world spells it."""
    wanted = "grey" if "grey" in world.colours else "gray"
    return re.sub(r"\bgr[ae]y\b", wanted, text.lower())


def _colour(world: World[Any, Any], text: str) -> str | None:
    named = {word for word in re.findall(r"[a-z]+", _spell(world, text)) if word in world.colours}
    return named.pop() if len(named) == 1 else None


def _count(text: str) -> int | None:
    words = re.findall(r"-?\d+(?:\.\d+)?|[a-z]+", text.lower())
    numbers = {word for word in words if word[0].isdigit() or word[0] == "-" or word in _NUMBER_WORDS}
    if len(numbers) != 1:
        return None
    number = numbers.pop()
    if number in _NUMBER_WORDS:
        return _NUMBER_WORDS.index(number)
    return int(number) if number.isdigit() else None


def _colour_counts(world: World[Any, Any], text: str) -> dict[str, int] | None:
    spelled = _spell(world, text)
    colours = "|".join(world.colours)
    total = re.search(r"(\d+)\s+(?:visible\s+)?cubes?\b(?!\s*[a-z])", spelled)
    after = spelled[total.end() :] if total else spelled
    pairs = re.findall(rf"\b({colours})\b\s*[:=x×]?\s*(\d+)", after)
    if not pairs:
        pairs = [(colour, n) for n, colour in re.findall(rf"(\d+)\s*[x×]?\s*\b({colours})\b", after)]
    counts: dict[str, int] = {}
    for colour, n in pairs:
        if counts.setdefault(colour, int(n)) != int(n):
            return None  # the same colour twice, with different numbers
    if not counts:
        return None
    counts = {colour: counts[colour] for colour in world.colours if counts.get(colour)}
    if total and int(total[1]) != sum(counts.values()):
        counts["stated total"] = int(total[1])  # contradicts itself: kept visible, and never equal to the truth
    return counts


def _plan(world: World[Any, Any], text: str) -> tuple[str, ...] | None:
    words = [word for word in _SEPARATORS.split(text.lower()) if word]
    if len(words) == 1 and world.read_action(words[0]) is None:
        words = list(words[0])  # "uulr": letters run together are a plan only if they are all there is
    actions = [world.read_action(word) for word in words]
    if not actions or None in actions:
        return None
    return tuple(action for action in actions if action is not None)
