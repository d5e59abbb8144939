"""Players that answer with several answers, with none, or too late. They look at nothing (see `players`)."""

from __future__ import annotations

import json
from collections.abc import Callable

from .players import Said, Seat

Player = Callable[[Seat], "Said | None"]


def _list(join: Callable[[list[str]], str], last: bool = False) -> Player:
    """A player that says several answers at once; with `last`, the last one, which is false, may be taken for its answer."""

    def player(seat: Seat) -> Said:
        answers = seat.some(6)
        if answers[-1] == seat.truth:  # whoever hides the truth does not put it where it counts
            answers.insert(0, answers.pop())
        return Said(join(answers), _alone(seat, answers, last))

    return player


def _pair(join: Callable[[str, str], str], last: bool = False) -> Player:
    """A player that says two answers, the right one among them; with `last`, the second one, which is false, may count."""

    def player(seat: Seat) -> Said:
        other = next(answer for answer in seat.some(6) if answer != seat.truth)
        pair = [seat.truth, other]
        if not last:
            seat.rng.shuffle(pair)
        return Said(join(*pair), _alone(seat, pair, last))

    return player


def _alone(seat: Seat, answers: list[str], last: bool) -> str | None:
    """The answer that several make: none, the last one where that is said, and of plans one after another."""
    if last:
        return f"Answer: {answers[-1]}"
    return f"Answer: {' '.join(answers)}" if seat.plans else None


def _numbered(answers: list[str]) -> str:
    return "Answer:\n" + "\n".join(f"{i}. {answer}" for i, answer in enumerate(answers, 1))


HEDGES: dict[str, Player] = {
    # six answers at once
    "all, by commas": _list(lambda a: f"Answer: {', '.join(a)}"),
    "all, by or": _list(lambda a: f"Answer: {' or '.join(a)}"),
    "all, by slashes": _list(lambda a: f"Answer: {' / '.join(a)}"),
    "all, by semicolons": _list(lambda a: f"**Final answer:** {'; '.join(a)}"),
    "all, numbered": _list(_numbered),
    "all, bulleted": _list(lambda a: "Answer:\n" + "\n".join(f"- {one}" for one in a)),
    "all, one box": _list(lambda a: rf"\boxed{{{', '.join(a)}}}"),
    "all, boxes in a line": _list(lambda a: " ".join(rf"\boxed{{{one}}}" for one in a)),
    "all, one tag": _list(lambda a: f"<answer>{' | '.join(a)}</answer>"),
    "all, a JSON list": _list(lambda a: json.dumps({"answer": a})),
    "all, bare": _list(lambda a: "\n".join(a)),
    "all, as options": _list(lambda a: "\n".join(f"({letter}) {one}" for letter, one in zip("ABCDEF", a))),
    "all, a table": _list(lambda a: "| Answer |\n| --- |\n" + "\n".join(f"| {one} |" for one in a)),
    "all, answer lines": _list(lambda a: "\n".join(f"Answer: {one}" for one in a), last=True),
    "all, answer lines with or": _list(lambda a: "\nor\n".join(f"Answer: {one}" for one in a), last=True),
    "all, tags": _list(lambda a: "\n".join(f"<answer>{one}</answer>" for one in a), last=True),
    "all, JSON objects": _list(lambda a: "\n".join(json.dumps({"answer": one}) for one in a), last=True),
    "all, by attempts": _list(lambda a: "\n".join(f"Attempt {i}: {one}" for i, one in enumerate(a, 1))),
    "all, thought": _list(lambda a: "<think>" + "\n".join(f"Answer: {one}" for one in a) + "</think>"),
    "all, JSON keys": _list(lambda a: json.dumps({f"answer_{i}": one for i, one in enumerate(a)})),
    # red or blue
    "two, by or": _pair(lambda a, b: f"Answer: {a} or {b}"),
    "two, in a sentence": _pair(lambda a, b: f"The answer is {a} or {b}."),
    "two, either": _pair(lambda a, b: f"Answer: either {a} or {b}"),
    "two, probably": _pair(lambda a, b: f"Answer: probably {a}, otherwise {b}"),
    "two, in brackets": _pair(lambda a, b: f"Answer: {a} (or {b})"),
    "two, if not": _pair(lambda a, b: f"Answer: {a}, if not {a} then {b}"),
    "two, a slash": _pair(
        lambda a, b: f"Answer: {b}/{a}" if b == "9" else f"Answer: {a}/{b}"
    ),  # 4/9 is 4 of nine squares
    "two, and": _pair(lambda a, b: f"Final answer: {a} and also {b}"),
    "two, another line": _pair(lambda a, b: f"Answer: {a}\nAlternatively: {b}", last=True),
    "two, one of": _pair(lambda a, b: f"Answer: one of {a} and {b}"),
    "two, it may be": _pair(lambda a, b: f"It may be {a}. It may be {b}."),
    "two, answer lines": _pair(lambda a, b: f"Answer: {a}\nAnswer: {b}", last=True),
    "two, taken back": _pair(lambda a, b: f"Answer: {a}\nWait, no.\nAnswer: {b}", last=True),
    # nothing
    "blank": lambda seat: Said(""),
    "blanks": lambda seat: Said(" \n\t\n"),
    "a label alone": lambda seat: Said("Answer:"),
    "a question mark": lambda seat: Said("Answer: ?"),
    "I do not know": lambda seat: Said("I do not know."),
    "all of the above": lambda seat: Said("Answer: all of the above"),
    "the right one": lambda seat: Said("Answer: the correct answer"),
    "the placeholder": lambda seat: Said("Answer: <answer>"),
    "the question again": lambda seat: Said(seat.world.question(seat.problem, wording="long", described=True)),
    "a thought without end": lambda seat: Said(f"<think>\nStart: {seat.start}\nAnswer: {seat.truth}"),
    # the start read off: false by construction, as problems whose start answers are left out
    "the start read off": lambda seat: Said(f"Answer: {seat.initial}"),
    "the start read off, boxed": lambda seat: Said(rf"So it is \boxed{{{seat.initial}}}"),
    # cut off
    "cut off, right": lambda seat: Said(f"Answer: {seat.truth}\n", finish="length"),
    "cut off, right and goes on": lambda seat: Said(f"Answer: {seat.truth}\nLet me check: the", finish="length"),
    "cut off, boxed": lambda seat: Said(rf"\boxed{{{seat.truth}}} and", finish="length"),
    "cut off, proven": lambda seat: Said(
        f"{seat.world.narrate(seat.problem)}\nAnswer: {seat.truth}\n", finish="length"
    ),
    "withheld": lambda seat: Said(f"Answer: {seat.truth}\n", finish="error"),
}
