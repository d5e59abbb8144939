"""Tables of a trace, told line by line; and the words that head a column, or name an entry of JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence

RULE = re.compile(r"[|\s]*:?-{2,}:?[\s|:+-]*")
NUMBERS = frozenset(
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
ACTIONS = frozenset(
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
STATES = frozenset(
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
STATES |= frozenset(
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
STATES |= frozenset(
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
REMARKS = frozenset(
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
BEGINS = frozenset(
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
ENDS = frozenset(("end", "final", "final state", "final_state", "end state", "end_state", "last", "result state"))
STEPS = frozenset(
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
NOTHING = frozenset(
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


def _cells(line: str) -> list[str]:
    return [
        re.sub(r"<br ?/?>", " / ", cell).strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")
    ]


def table_at(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """The rows of a table as lines; none if its head names nothing (a board drawn as a table)."""
    raw = [re.sub(r"[*`_]", "", cell).strip() for cell in _cells(lines[at])]
    head = [re.sub(r"\s*\(.*?\)$", "", cell.casefold()).strip() or cell.casefold() for cell in raw]
    if not any(re.search("[a-z]{2}|#", name) for name in head):
        return [], 0
    end = at + 2
    while end < len(lines) and lines[end].count("|") >= 2:
        end += 1
    rows = [_cells(line) for line in lines[at + 2 : end] if not RULE.fullmatch(line.strip())]
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
    if name in BEGINS or name in ("before", "step 0", "0"):
        return "Start"
    if name in ENDS:
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
            name in NUMBERS
            or (not name and not number)
            or (name in ACTIONS | {"step"} and re.fullmatch(r"#?\d+\.?", said))
        ):
            if match := re.match(r"(?:step |roll |move |turn )?#?(\d+)[.:)]?(?:[\s:(-]+(.*?)\)?)?$", said.casefold()):
                number = match[1]
                action = action or (match[2] or "")
            elif said.casefold() in NOTHING | BEGINS:
                number = "0"
            elif said.casefold() in ENDS:
                number = "end"
            elif said:
                action = action or said
        elif name in ACTIONS:
            if said.casefold() not in NOTHING:
                action = said
        elif name in REMARKS:
            remark.append(said)
        elif not said.strip(" -–—"):
            continue
        elif name in STATES or not name:
            rest.append(said)
        else:
            rest.append(f"{name}: {said}")
    told = "; ".join(rest)
    return as_line(number, action, told, " ".join(remark))


def as_line(number: str, action: str, state: str, remark: str = "") -> str:
    """A step as a line."""
    if action.casefold() in NOTHING:
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
