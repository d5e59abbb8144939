"""Tables and JSON of a trace, told line by line, so that one reader reads every layout."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_JSON = 20_000
_MOST_FAILED = 50  # lines that look like JSON and are none, after which no more is tried
_RULE = re.compile(r"[|\s]*:?-{2,}:?[\s|:+-]*")
_INLINE = re.compile(
    r"(?<=[;.,)|])\s+(?=(?:\*\*)?(?:step|roll|move|turn) \d+\s*(?:\([^()]*\))?\s*[:→-])", re.IGNORECASE
)
_NUMBERS = frozenset(
    (
        "step",
        "#",
        "no",
        "no.",
        "number",
        "n",
        "nr",
        "i",
        "index",
        "t",
        "id",
        "step #",
        "roll #",
        "move #",
        "turn #",
        "k",
        "idx",
    )
)
_ACTIONS = frozenset(
    (
        "action",
        "move",
        "roll",
        "turn",
        "direction",
        "way",
        "push",
        "rolling",
        "moves",
        "operation",
        "move made",
        "dir",
        "rotation",
    )
)
_STATES = frozenset(
    (
        "state",
        "board",
        "position",
        "result",
        "after",
        "grid",
        "cube",
        "colours",
        "colors",
        "faces",
        "positions",
        "layout",
    )
)
_STATES |= frozenset(
    (
        "state after",
        "after move",
        "board after",
        "state_after",
        "cubes",
        "cells",
        "structure",
        "configuration",
        "room",
        "orientation",
        "resulting state",
    )
)
_STATES |= frozenset(
    (
        "board after the move",
        "state after the move",
        "after the move",
        "after_state",
        "new state",
        "new_state",
        "board_after",
        "rows",
        "result_state",
    )
)
_REMARKS = frozenset(
    (
        "note",
        "notes",
        "remark",
        "remarks",
        "comment",
        "why",
        "comments",
        "reason",
        "explanation",
        "what happens",
        "effect",
        "thought",
    )
)
_BEGINS = frozenset(
    (
        "start",
        "initial",
        "initial state",
        "starting",
        "beginning",
        "start state",
        "initial_state",
        "start_state",
        "starting_state",
        "given",
        "init",
    )
)
_ENDS = frozenset(("end", "final", "final state", "final_state", "end state", "end_state", "last", "result state"))
_STEPS = frozenset(
    (
        "steps",
        "trace",
        "moves",
        "path",
        "states",
        "rolls",
        "turns",
        "sequence",
        "simulation",
        "walk",
        "plan",
        "log",
        "reasoning",
    )
)
_NOTHING = frozenset(
    (
        "",
        "-",
        "–",
        "—",
        "none",
        "start",
        "initial",
        "n/a",
        "null",
        "(start)",
        "(initial)",
        "begin",
        "/",
        "*start*",
        "initial state",
    )
)


@dataclass(frozen=True)
class Unit:
    """One thing that a trace says.

    Attributes:
        at: The line that it begins in.
        used: How many lines it takes.
        text: What it says, as a line; for a plain line that line.
        plain: Whether it is a line as it stands, so that lines below may belong to it.
    """

    at: int
    used: int
    text: str
    plain: bool = True


def units_of(lines: Sequence[str]) -> list[Unit]:
    """The lines of a trace, with tables and JSON values told as lines."""
    found: list[Unit] = []
    text = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    at, failed = 0, 0
    while at < len(lines):
        line, used, told = lines[at].strip(), 0, list[str]()
        if line[:1] in ("{", "[") and failed < _MOST_FAILED:
            told, used = _json_at(text, starts, at)
            failed += not used
        elif line.count("|") >= 2 and at + 1 < len(lines) and _RULE.fullmatch(lines[at + 1].strip() or "x"):
            told, used = _table_at(lines, at)
        if used:
            found += [Unit(at, used if n == 0 else 0, said, False) for n, said in enumerate(told)]
            if not told:
                found.append(Unit(at, used, "", False))
            at += used
        else:
            first, *others = _INLINE.split(lines[at]) if len(lines[at]) > 60 else [lines[at]]
            found.append(Unit(at, 1, first, not others))
            found += [Unit(at, 0, other, False) for other in others]
            at += 1
    return found


# --- tables --------------------------------------------------------------------------------------------------------


def _cells(line: str) -> list[str]:
    return [
        re.sub(r"<br ?/?>", " / ", cell).strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")
    ]


def _table_at(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """The rows of a table as lines; none if its head names nothing (a board drawn as a table)."""
    raw = [re.sub(r"[*`_]", "", cell).strip() for cell in _cells(lines[at])]
    head = [re.sub(r"\s*\(.*?\)$", "", cell.casefold()).strip() or cell.casefold() for cell in raw]
    if not any(re.search("[a-z]{2}|#", name) for name in head):
        return [], 0
    end = at + 2
    while end < len(lines) and lines[end].count("|") >= 2:
        end += 1
    rows = [_cells(line) for line in lines[at + 2 : end] if not _RULE.fullmatch(line.strip())]
    places = {i: place for i, name in enumerate(raw) if i and (place := _place(name.casefold()))}
    if len(places) >= 2 or (len(places) == 1 and len(head) == 2):
        return [
            f"{place}: {row[0]}: {row[i]}"
            for row in rows
            for i, place in places.items()
            if i < len(row) and row[i].strip(" -–—")
        ], end - at
    return [line for row in rows if (line := _row(head, row))], end - at


def _place(name: str) -> str:
    """The step that a column of a table stands for."""
    if name in _BEGINS or name in ("before", "step 0", "0"):
        return "Start"
    if name in _ENDS:
        return "Final"
    if match := re.fullmatch(r"(?:after |at )?(?:step|roll|move|turn)?\s*#?(\d+)\.?(?:[\s:(,-]+(.*?)\)?)?", name):
        return f"Step {match[1]}"
    if match := re.fullmatch(r"after (?:the )?(first|second|third|fourth|1st|2nd|3rd|4th)(?: \w+)?(?: \(.*\))?", name):
        return f"Step {dict(first=1, second=2, third=3, fourth=4).get(match[1]) or match[1][0]}"
    return ""


def _row(head: Sequence[str], row: Sequence[str]) -> str:
    number, action, rest, remark = "", "", [], []
    for name, cell in zip(head, row):
        said = re.sub(r"[*`]", "", cell).strip()
        if (
            name in _NUMBERS
            or (not name and not number)
            or (name in _ACTIONS | {"step"} and re.fullmatch(r"#?\d+\.?", said))
        ):
            if match := re.match(r"(?:step |roll |move |turn )?#?(\d+)[.:)]?(?:[\s:(-]+(.*?)\)?)?$", said.casefold()):
                number = match[1]
                action = action or (match[2] or "")
            elif said.casefold() in _NOTHING | _BEGINS:
                number = "0"
            elif said.casefold() in _ENDS:
                number = "end"
            elif said:
                action = action or said
        elif name in _ACTIONS:
            if said.casefold() not in _NOTHING:
                action = said
        elif name in _REMARKS:
            remark.append(said)
        elif not said.strip(" -–—"):
            continue
        elif name in _STATES or not name:
            rest.append(said)
        else:
            rest.append(f"{name}: {said}")
    told = "; ".join(rest)
    return _told(number, action, told, " ".join(remark))


def _told(number: str, action: str, state: str, remark: str = "") -> str:
    """A step as a line."""
    if action.casefold() in _NOTHING:
        action = ""
    said = f"{state} ({remark})" if remark else state
    if number == "0" and not action:
        return f"Start: {said}"
    if number == "end":
        return f"Final: {said}"
    if number and action:
        return f"Step {number}: {action}: {said}"
    if number:
        return f"Step {number}: {said}"
    return f"- {action}: {said}" if action else said


# --- JSON ----------------------------------------------------------------------------------------------------------


def _json_at(text: str, starts: Sequence[int], at: int) -> tuple[list[str], int]:
    """The steps of a JSON value that begins with a line, as lines, and how many lines it takes."""
    begin = starts[at]
    piece = text[begin : begin + _LONGEST_JSON]
    skip = len(piece) - len(piece.lstrip())
    try:
        value, used = json.JSONDecoder().raw_decode(piece[skip:])
    except (ValueError, RecursionError):
        return [], 0
    if not isinstance(value, dict) and not (
        isinstance(value, list) and any(isinstance(entry, dict) for entry in value)
    ):
        return [], 0
    end, last = begin + skip + used, at
    while last + 1 < len(starts) - 1 and starts[last + 1] < end:
        last += 1
    return list(_steps(value)), last - at + 1


def _steps(value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for entry in value for line in (_steps(entry) if isinstance(entry, dict) else [_flat(entry)])]
    lower = {str(key).casefold(): entry for key, entry in value.items()}
    nested = [
        key
        for key in lower
        if key in _STEPS and isinstance(lower[key], list) and any(isinstance(e, dict) for e in lower[key])
    ]
    numbered = [
        key
        for key in lower
        if re.fullmatch(r"(?:step|roll|move|turn|after)?[ _]*\d+", key) and isinstance(lower[key], dict | str | list)
    ]
    number, action, rest, remark, lines = "", "", [], [], list[str]()
    for key, entry in lower.items():
        name = key.replace("_", " ")
        if key in nested:
            continue
        if key in numbered:
            continue
        if key in _NUMBERS and isinstance(entry, int | str):
            said = str(entry).casefold()
            number = "0" if said in _NOTHING | _BEGINS else re.sub(r"\D", "", said) or number
        elif key in _ACTIONS and isinstance(entry, int | str):
            if str(entry).isdigit():
                number = str(entry)
            else:
                action = str(entry)
        elif key in _REMARKS or name in _REMARKS:
            remark.append(str(entry))
        elif (key in _BEGINS or name in _BEGINS) and (nested or numbered or len(lower) > 1):
            lines.append(f"Start: {_flat(entry)}")
        elif (key in _ENDS or name in _ENDS) and (nested or numbered or len(lower) > 1):
            lines.append(f"Final: {_flat(entry)}")
        elif key in ("target", "goal") and nested:
            lines.append(f"Target: {_flat(entry)}")
        elif key in ("answer", "final answer", "final_answer"):
            continue
        elif key in _STATES or name in _STATES:
            rest.append(_flat(entry))
        else:
            rest.append(f"{name}: {_flat(entry)}")
    if rest or action or number:
        lines.append(_told(number, action, "; ".join(rest), " ".join(remark)))
    for key in nested:
        lines += _steps(lower[key])
    for key in numbered:
        step = re.sub(r"\D", "", key)
        entry = lower[key]
        told = _steps({"step": step, **entry}) if isinstance(entry, dict) else [_told(step, "", _flat(entry))]
        lines += told
    finals = [line for line in lines if line.startswith("Final:")]
    return [line for line in lines if not line.startswith("Final:")] + finals


def _flat(value: Any) -> str:
    """A JSON value in words: cells in brackets, rows with a slash between, keys before colons."""
    if isinstance(value, dict):
        lower = {str(key).casefold(): entry for key, entry in value.items()}
        for names in (("row", "col"), ("row", "column"), ("r", "c"), ("x", "y", "z")):
            if set(lower) == set(names):
                return "(" + ",".join(str(lower[name]) for name in names) + ")"
        for colour in ("colour", "color"):
            cell = next(
                (
                    lower[name]
                    for name in ("cell", "position", "pos", "at", "xyz", "coordinates", "coords")
                    if name in lower
                ),
                None,
            )
            if colour in lower and cell is None and {"x", "y", "z"} <= set(lower):
                cell = [lower[axis] for axis in "xyz"]
            if colour in lower and cell is not None:
                return f"{lower[colour]} {_flat(cell)}"
        return "; ".join(f"{key}: {_flat(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        if 2 <= len(value) <= 3 and all(isinstance(n, int) for n in value):
            return "(" + ",".join(map(str, value)) + ")"
        if any(isinstance(entry, dict) for entry in value):
            return "; ".join(_flat(entry) for entry in value)
        if any(isinstance(entry, list) for entry in value):
            coordinates = any(
                isinstance(e, list) and 2 <= len(e) <= 3 and all(isinstance(n, int) for n in e) for e in value
            )
            return (", " if coordinates else " / ").join(_flat(entry) for entry in value)
        rows = [str(entry) for entry in value]
        return (
            " / ".join(rows) if any((len(row) > 1 and row.isdigit()) or " " in row for row in rows) else " ".join(rows)
        )
    return str(value)
