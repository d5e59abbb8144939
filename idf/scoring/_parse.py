"""The rule parser: the final `Answer:` line of a response, read strictly.

It never repairs a plan, never takes letters out of prose, and prefers to say "unparsed" over guessing.
"""

from __future__ import annotations

import re
from typing import Any

from idf.worlds import Answer, World
from idf.worlds.mental_rotation import counts_text

# Bounded repeats only: a response of a million blanks must not take minutes.
_ANSWER_LINE = re.compile(
    r"^[\W_]{0,20}(?:the\s{1,5})?(?:final\s{1,5})?answer[\s*_`]{0,10}(?:is[\s*_`]{0,10})?[:\uff1a](.*)$", re.IGNORECASE
)
_THINK_BLOCK = re.compile(r"<think>.*?</think>", re.DOTALL)
_SEPARATORS = re.compile(r"[\s,;.\[\](){}'\"`*]+|->|→")
_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NO_MOVES = "none"  # how an empty plan is written
_LONGEST = 500  # characters; a longer "answer" that names a colour or a number is prose
_DOUBT = frozenset(("not", "no", "or", "neither", "either", "maybe", "cannot", "unknown", "unsure"))
# Words that may stand beside the colours and numbers of a count of cubes; any other word makes it unreadable.
_FILLERS = frozenset(
    ("a", "an", "are", "can", "cube", "cubes", "colour", "colours", "color", "colors", "from", "fully", "front", "back")
    + ("top", "bottom", "left", "right", "i", "in", "is", "of", "one", "see", "seen", "side", "that", "the", "there")
    + ("total", "view", "viewpoint", "visible", "which", "with", "you")
)


def final_answer(response: str) -> str | None:
    """What the last `Answer:` line says, or None if there is no such line.

    Think blocks are left out: what is said inside `<think>` is not an answer. One that never ends hides all after it.
    """
    text = _THINK_BLOCK.sub("\n", response)
    text = text.split("<think>")[0]
    found = None
    for line in text.splitlines():
        if match := _ANSWER_LINE.match(line):
            found = match[1].strip(" \t*_`")
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
    if re.search(r"answer *[:\uff1a]", text.lower()):
        return None  # two answers in one line
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
    if kind == "plan":
        return " ".join(answer) or NO_MOVES
    return str(answer)


def _spell(world: World[Any, Any], text: str) -> str:
    """The text in lower case, with gray or grey spelled as this world spells it."""
    wanted = "grey" if "grey" in world.colours else "gray"
    return re.sub("gr[ae]y", wanted, text.lower())


def _colour(world: World[Any, Any], text: str) -> str | None:
    words = set(re.findall(r"[a-z]+", _spell(world, text)))
    named = words & set(world.colours)
    return named.pop() if len(named) == 1 and not words & _DOUBT and len(text) <= _LONGEST else None


def _count(text: str) -> int | None:
    words = re.findall(r"-?\d+(?:\.\d+)?|[a-z]+", text.lower()[: _LONGEST + 1])
    numbers = {word for word in words if word[0].isdigit() or word[0] == "-" or word in _NUMBER_WORDS}
    if len(numbers) != 1 or len(text) > _LONGEST or set(words) & _DOUBT:
        return None
    number = numbers.pop()
    if number in _NUMBER_WORDS:
        return _NUMBER_WORDS.index(number)
    return int(number) if re.fullmatch("[0-9]{1,3}", number) else None


def _colour_counts(world: World[Any, Any], text: str) -> dict[str, int] | None:
    """Reads clause by clause; what cannot be read makes the whole unreadable, never a part of it right."""
    if len(text) > _LONGEST:
        return None
    colours = "|".join(world.colours)
    spelled = re.sub(rf"\b({colours})\s*[:=x×-]\s*(?=\d)", r"\1 ", _spell(world, text))
    spelled = re.sub(rf"(?<=\d)\s*[x×]\s*(?=(?:{colours})\b)", " ", spelled)
    counts: dict[str, int] = {}
    total: int | None = None
    for clause in re.split(r"[,;:()\[\]\n]|\band\b|\.(?!\d)", spelled):
        parts = re.findall(r"[^\W\d_]+|[\d.]+|[^\w\s]", clause)
        said = [part for part in parts if part in world.colours or part[0].isdigit()]
        if any(part not in said and part not in _FILLERS and part not in "*_`" for part in parts):
            return None
        if any(part[0].isdigit() and not re.fullmatch("[0-9]{1,3}", part) for part in said):
            return None
        kinds = "".join("n" if part[0].isdigit() else "c" for part in said)
        if not kinds:
            continue
        if kinds == "n":
            if total is not None and total != int(said[0]):
                return None
            total = int(said[0])
            continue
        if not re.fullmatch("(cn)+|(nc)+", kinds):
            return None
        for first, second in zip(said[::2], said[1::2], strict=True):
            colour, n = (first, int(second)) if kinds[0] == "c" else (second, int(first))
            if counts.setdefault(colour, n) != n:
                return None  # the same colour twice, with different numbers
    if not counts:
        return None
    counts = {colour: counts[colour] for colour in world.colours if counts.get(colour)}
    if total is not None and total != sum(counts.values()):
        counts["stated total"] = total  # contradicts itself: kept visible, and never equal to the truth
    return counts


def _plan(world: World[Any, Any], text: str) -> tuple[str, ...] | None:
    words = [word for word in _SEPARATORS.split(text.lower()) if word]
    if words == [NO_MOVES]:
        return ()
    if len(words) == 1 and world.read_action(words[0]) is None:
        words = list(words[0])  # "uulr": letters run together are a plan only if they are all there is
    actions = [world.read_action(word) for word in words]
    if not actions or None in actions:
        return None
    return tuple(action for action in actions if action is not None)
