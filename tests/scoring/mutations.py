"""Responses spoiled at random, and an independent word on what they still say."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from idf.worlds import WORLDS, Problem
from tests.worlds import reference_moving_box as room
from tests.worlds import reference_wood_slide as board

from .notations import NUMBERS

# Prose that states nothing, and that names no colour, number or move that could be an answer.
PROSE = (
    "I look at the picture first.",
    "Let me think about what happens to each side.",
    "**Step by step:**",
    "- The edges touch the board.",
    "```\n# . S #\n```",
    "The question asks for the end of the way.",
    "$x = y + z$",
    "I'd say that it could be pushed, but I am wary.",
    "No solution found.",
    "让我想一想。",
    "| a | b |",
    "This is full of walls, and all in all dull.",
    "(see figure)",
    "",
)
# Sentences that take back what was stated above them; they name no value either.
TAKEN_BACK = (
    "Hmm, that does not look as it should.",
    "Wait, I mixed something. Once more.",
    "No, that is not correct.",
    "Scratch that.",
    "I made a mistake in the beginning.",
    "This fails.",
    "等等，不对。",
    "Sorry, that was wrong.",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 \n.,:;*[](){}'\"\\$|-<>/?!_#答案红上"
_ENGLISH = str.maketrans(
    {"红": " red ", "上": " up ", "下": " down ", "左": " left ", "右": " right ", "块": " block "}
)
_ENGLISH |= str.maketrans({sign: " " for sign in "向次号_*`"})
WAY = {way: way[0] for way in ("up", "down", "left", "right", "u", "d", "l", "r")}


def spoiled(rng: Random, text: str, times: int) -> str:
    """A text after some random edits of characters, words and lines."""
    for _ in range(times):
        at = rng.randrange(len(text) + 1)
        edit = rng.randrange(8)
        if edit == 0:
            text = text[:at] + text[at + 1 :]
        elif edit == 1:
            text = text[:at] + rng.choice(LETTERS) + text[at:]
        elif edit == 2:
            text = text[:at] + rng.choice(LETTERS) + text[at + 1 :]
        elif edit == 3:
            text = text[: at - 1] + text[at : at + 1] + text[at - 1 : at] + text[at + 1 :] if at else text
        elif edit == 4:
            to = rng.randrange(len(text) + 1)
            text = text[: min(at, to)] + text[max(at, to) :] if abs(at - to) < 30 else text
        elif edit == 5:
            lines = text.split("\n")
            a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[a], lines[b] = lines[b], lines[a]
            text = "\n".join(lines)
        elif edit == 6:
            lines = text.split("\n")
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(PROSE))
            text = "\n".join(lines)
        else:
            words = text.split(" ")
            a = rng.randrange(len(words))
            text = " ".join([*words[:a], words[rng.randrange(len(words))], *words[a:]])
    return text


def prose(rng: Random, lines: int) -> str:
    return "\n".join(rng.choice(PROSE) for _ in range(lines))


def musing(rng: Random, lines: int) -> str:
    """Prose on the way to an answer, which may take itself back."""
    return "\n".join(rng.choice((*PROSE, *TAKEN_BACK)) for _ in range(lines))


# --- the independent word -----------------------------------------------------------------------------------------


def solves(of: Problem[Any, Any], plan: list[str]) -> bool:
    """Whether a plan ends at the goal without breaking a rule, by the reference simulators of the tests."""
    if of.world == "moving_box":
        grid = room.board(WORLDS[of.world].write(of.start))
        legal = all(room.move(grid, way) is not None for way in plan)
        return legal and "*" in room.text(grid)
    position: str | None = WORLDS[of.world].write(of.start)
    for move in plan:
        position = board.moved(position, move[0], move[1]) if position and move[0] in "123456789" else None
    return position == of.query.target


def may_be_right(of: Problem[Any, Any], text: str) -> bool:
    """Whether some stretch of it may be read as the right answer, by a reader that knows none of the rules."""
    lines = text.split("\n")
    stretches = ["\n".join(lines[a:b]) for a in range(len(lines)) for b in range(a + 1, len(lines) + 1)]
    stretches += re.findall(r"(?<=[{>\"])[^{}<>\"]+(?=[}<\"])", text)  # what stands in a box, in tags, in quotes
    return any(_right(of, stretch) for stretch in stretches)


def _right(of: Problem[Any, Any], text: str) -> bool:
    world = WORLDS[of.world]
    kind, truth = world.answer_kind(of), world.truth(of)
    text = re.sub("gr[ae]y", "grey" if "grey" in world.colours else "gray", text.lower())
    text = text.translate(_ENGLISH)
    words = re.findall("[a-z]+", text)
    if kind == "colour":
        return set(words) & set(world.colours) == {truth}
    if kind == "count":
        numbers = {
            str(NUMBERS.index(word)) if word in NUMBERS else word for word in re.findall(r"[a-z]+|\b\d+\b", text)
        }
        return {int(number) for number in numbers if number.isdigit()} == {truth}
    if kind == "colour_counts":
        said = re.findall(r"\d+|" + "|".join(world.colours), text)
        readings = [_pairs(said[first:], world.colours) for first in (0, 1)]
        return set(truth) <= set(said) and any(reading in (truth, None) for reading in readings)
    tails = [text[at:] for at in (0, *(match.end() for match in re.finditer("[:：=\n>{\\]\\[]|is", text)))]
    return any(solves(of, plan) for tail in tails for plan in _plans(of, tail))


def _pairs(said: list[str], colours: tuple[str, ...]) -> dict[str, int] | None:
    """Colours and the numbers beside them; None if they may be paired in more ways than this one."""
    if len(said) % 2 or any(said[n].isdigit() == said[n + 1].isdigit() for n in range(0, len(said) - 1, 2)):
        return None
    pairs = [(a, b) if b.isdigit() else (b, a) for a, b in zip(said[::2], said[1::2])]
    return {colour: int(n) for colour, n in sorted(pairs, key=lambda pair: colours.index(pair[0])) if int(n)}


def _plans(of: Problem[Any, Any], text: str) -> list[list[str]]:
    """All plans that the letters and digits of a text may mean."""
    way = "(up|down|left|right|[udlr])"
    move = re.compile(f"x?(?:{way}|[udlr]+|block)x?")
    text = re.sub("[a-z]+", lambda word: word[0] if move.fullmatch(word[0]) else " ", text)
    if of.world == "wood_slide":
        once = re.findall(rf"(\d)\W*(?:block\W*)?{way}()", text)
        often = re.findall(rf"(\d)\W*(?:block\W*)?{way}(?:[x× ]{{0,3}}(\d+)(?!\s*(?:block\s*)?{way}))?", text)
        return [[n + WAY[w] for n, w, *times in said for _ in range(int(times[0] or 1) % 50)] for said in (once, often)]
    plain = [(w, "") for w in re.findall(way, text)]
    before = [(w, n) for n, w in re.findall(rf"(\d*)\W*{way}", text)]
    behind = re.findall(rf"{way}[\sx×,:]*(\d*)", text)
    return [[WAY[w] for w, n in said for _ in range(int(n or 1) % 50)] for said in (plain, before, behind)]
