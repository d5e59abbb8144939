"""What a text says of where things are: coloured cubes in cells (x,y,z), a player and a box in cells (row,column)."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

from ._facts import Conventions, Fact, colour_of, spellings

_Part = tuple[str, Any, int, int]
"""What kind of word it is, what it says, where it begins and ends."""

COLOURS = spellings(("red", "yellow", "blue", "green", "gray", "black"))
_N = r"\s*([-−]?\d{1,3})\s*"
_CUBE = re.compile(
    rf"(?P<cell>[(\[]{_N},{_N},{_N}[)\]])|(?P<colour>\b(?:red|yellow|blue|green|gr[ae]y|black)\b"
    rf"|(?<![a-z])(?:[rybgka]|bk|gy)(?=\s*[=:]\s*[(\[]))|(?P<mark>→|-+>|=+>|⇒|\b(?:to|becomes|goes|moves|from|was"
    rf"|were|now|old|new|before|after)\b)|(?P<end>[.;\n](?!\d))"
)
_PAIR = re.compile(
    rf"(?P<cell>[(\[]{_N},{_N}[)\]])|(?P<colour>\b(?:red|yellow|blue|green|gr[ae]y|black)\b)|(?P<hides>\b(?:hides"
    rf"|hidden|behind|hiding|covers)\b)|(?P<end>[.;\n](?!\d))"
)


def read_cubes(text: str, conventions: Conventions) -> list[Fact]:
    """The cells whose cubes a text names: "red (0,0,1)", "(0,0,1): red", "red: (1,0,0) → (0,0,-1)"."""
    found: list[Fact] = []
    parts: list[_Part] = []
    for match in _CUBE.finditer(text):
        kind = str(match.lastgroup) if match.lastgroup in ("cell", "colour", "mark", "end") else "cell"
        if match["cell"]:
            numbers = tuple(int(n.replace("−", "-")) for n in match.groups()[1:4])
            parts.append(("cell", numbers, match.start(), match.end()))
        elif match["colour"]:
            values = colour_of(match["colour"], COLOURS, conventions.letters)
            if values:
                parts.append(("colour", values, match.start(), match.end()))
        else:
            parts.append((kind, match[0], match.start(), match.end()))
    if not any(kind == "cell" for kind, *_ in parts):
        return []
    clause: list[_Part] = []
    first = ""
    for part in [*parts, ("end", "", 0, 0)]:
        if part[0] != "end":
            clause.append(part)
            continue
        kinds = [kind for kind, *_ in clause if kind in ("cell", "colour")]
        if kinds and "cell" in kinds and "colour" in kinds:
            first = first or kinds[0]
            found += _clause(clause, kinds[0], text)
        clause = []
    return found


def _clause(parts: Sequence[_Part], first: str, text: str) -> list[Fact]:
    """Cells and colours of one clause. An arrow between two cells leads from an old one to a new one."""
    found: list[Fact] = []
    colour: Any = None
    waiting: list[tuple[Any, str, int, int]] = []  # cells before their colour
    marks: list[str] = []
    cells_of_colour = 0
    for at, (kind, value, begin, end) in enumerate(parts):
        if kind == "mark":
            marks.append(str(value))
            continue
        if kind == "colour":
            if first == "cell":
                found += [Fact(cell, value, when, b, end) for cell, when, b, _ in waiting]
                colour = value if any(when == "old" for _, when, *_ in waiting) else None
                waiting = []
            else:
                colour = value
            cells_of_colour, marks = 0, []
            continue
        follows = [k for k, *_ in parts[at + 1 : at + 3]]
        leads = follows[:2] == ["mark", "cell"] and str(parts[at + 1][1]) not in (
            "from",
            "was",
            "were",
            "old",
            "before",
        )
        when = "old" if leads or (marks and marks[-1] in ("from", "was", "were", "old", "before")) else ""
        if not when and marks and marks[-1] not in ("from", "was", "were", "old", "before"):
            when = "new"
        between = text[parts[at - 1][3] : begin] if at else ""
        if colour is not None and (
            cells_of_colour == 0 or re.fullmatch(r"[\s,\]\[)(]*(?:and|→|-+>|=+>|to|⇒)?[\s,]*", between) or marks
        ):
            found.append(Fact(value, colour, when, begin, end))
            cells_of_colour += 1
        elif first == "cell":
            waiting.append((value, when, begin, end))
        marks = []
    return found


_THEN_SEEN = re.compile(r"; (seen|visible|shows)\b")
_FIRST_PAIR = re.compile(r"[(\[]\s*(-?\d{1,2})\s*,\s*(-?\d{1,2})\s*[)\]]")
_SEEN_THERE = re.compile(r"; (?:seen|visible|nearest|shown|sees|shows): (red|yellow|blue|green|gr[ae]y|black)\b")
_C = r"(red|yellow|blue|green|gr[ae]y|black)"
_HIDDEN = re.compile(
    rf"\b{_C}(?: cube| one)?\)?(?:,| is| are| stays| remains| lies| being)? (?:hidden|invisible|not visible|not seen"
    rf"|covered|concealed)\b"
    rf"|\b(?:hides|hiding|covers|conceals|in front of)(?: the)? {_C}\b|\bhidden\s*[:=(]\s*{_C}\b|\b{_C} (?:hidden"
    rf"|is behind)\b"
    rf"|\b(?:hidden|cannot be seen|invisible|not visible)(?: cube| one)?,? (?:namely |is |being |cube is "
    rf"|one is )+(?:the )?{_C}\b"
)
_VISIBLE = re.compile(
    rf"\b{_C}(?: cube| one)?(?:,| is| are| stays| remains)*,? \(?(?:visible|alone|seen|nearest|nearer|in front"
    rf"|the nearest|the one we see|the one i see)\b(?! of)"
    rf"|\b(?:only|see|seen|visible)\s?[:=]?\s?(?:is |the |cube |one )*{_C}\b"
)


def read_sights(text: str) -> list[Fact]:
    """Which colours a text says are seen or hidden: "red hides blue", "the hidden cube is gray", "black is visible"."""
    found: list[Fact] = []
    for pattern, sight in ((_HIDDEN, "hidden"), (_VISIBLE, "visible")):
        for match in pattern.finditer(text):
            colour = COLOURS[next(filter(None, match.groups()))]
            found.append(Fact(("sight", colour), frozenset((sight,)), "new", match.start(), match.end()))
    return found


def read_columns(text: str) -> list[Fact]:
    """What a column along the line of sight shows: "(0,1): red", "(0,1) shows red"; what it hides is no part of it."""
    found: list[Fact] = []
    if (pair := _FIRST_PAIR.search(text)) and (seen := _SEEN_THERE.search(text)):  # a row of a table
        slot = ("column", int(pair[1]), int(pair[2]))
        return [Fact(slot, frozenset((COLOURS[seen[1]],)), "", pair.start(), seen.end())]
    text = _THEN_SEEN.sub(r" \1", text)
    cell: Hashable | None = None
    begin = 0
    for match in _PAIR.finditer(text):
        if match["cell"]:
            cell, begin = ("column", int(match[2].replace("−", "-")), int(match[3].replace("−", "-"))), match.start()
        elif match["colour"] and cell is not None:
            if re.fullmatch(
                r"[\s:=→>|;\"-]*(?:shows|is|sees|seen|has|nearest|visible|cube|the|front|top|frontmost|closest|only"
                r"|→|:|;|\s)*[\s:]*",
                text[begin : match.start()].split(")")[-1].split("]")[-1],
            ):
                found.append(Fact(cell, frozenset((COLOURS[match["colour"]],)), "", begin, match.end()))
            cell = None
        else:
            cell = None
    return found


_WHO = {
    "player": "player",
    "storekeeper": "player",
    "worker": "player",
    "keeper": "player",
    "man": "player",
    "s": "player",
    "p": "player",
}
_WHO |= {
    "i": "player",
    "me": "player",
    "you": "player",
    "he": "player",
    "we": "player",
    "agent": "player",
    "box": "box",
    "crate": "box",
    "b": "box",
}
_WHO |= {"target": "target", "goal": "target", "t": "target", "it": "it", "who": "it", "which": "it"}
_THING = re.compile(
    r"(?P<who>\b(?:player|storekeeper|worker|keeper|man|agent|box|crate|target|goal|it|i|me|you|he|we|which)\b"
    r"|(?<![a-z])[spbt](?=\s*[=:(@\[]))"
    r"|(?P<cell>[(\[]\s*(\d{1,2})\s*,\s*(\d{1,2})\s*[)\]]"
    r"|\br(?:ow)?\s?=?(\d{1,2})\s?,?\s?(?:and )?c(?:ol(?:umn)?)?\s?=?(\d{1,2})\b)"
    r"|(?P<mark>→|-+>|=+>|⇒|\b(?:to|onto|into|reaches|from|was|were|leaves|left from|old|before|now|lands on"
    r"|over to)\b)"
    r"|(?P<other>\b(?:wall|walls|cell|cells|floor|free|empty|square|squares|below|above|beside|behind|next|stand"
    r"|reach|side|distance|between|via|through|around|towards?|against|under|row|column|off|away)\b)"
    r"|(?P<end>[.;\n](?!\d))|(?P<comma>,|\band\b|\bwhile\b|\bbut\b)|(?P<free>\bfree|must|needs?|should|could|would"
    r"|if|not|cannot|never|want)"
)
_BARE = re.compile(r"(?P<who>player|box|target|p|b|t|s)\s*[:=]?\s*(\d{1,2})\s*,\s*(\d{1,2})(?!\d)")


def read_places(text: str, conventions: Conventions) -> list[Fact]:
    """Where a text says that player, box and target are: "player (2,4)", "pushes the box from (2,4) to (2,5)", "P=(2,4)"."""
    found: list[Fact] = []
    who: str | None = None
    last: str | None = None
    mark = ""
    spoiled = False
    matches = list(_THING.finditer(text))
    for at, match in enumerate(matches):
        if match["who"]:
            named = _WHO[match["who"]]
            who = last if named == "it" else named
            last, mark, spoiled = who, "", False
        elif match["mark"]:
            mark = match["mark"]
        elif match["other"]:
            word = match["other"]
            spoiled = spoiled or word not in ("cell", "square", "row", "column")
        elif match["free"]:
            spoiled = True
        elif match["end"]:
            who, mark, spoiled = None, "", False
        elif match["cell"]:
            numbers = match.groups()
            pair = [n for n in numbers[2:] if n is not None and n.isdigit()][:2]
            row, column = int(pair[0]) - conventions.first, int(pair[1]) - conventions.first
            nxt = matches[at + 1] if at + 1 < len(matches) else None
            leads = bool(
                nxt
                and nxt["mark"]
                and nxt["mark"] not in ("from", "was", "were", "old", "before", "leaves", "now")
                and at + 2 < len(matches)
                and matches[at + 2]["cell"]
            )
            when = "old" if leads or mark in ("from", "was", "were", "leaves", "old", "before", "left from") else ""
            if not when and mark:
                when = "new"
            if who and not spoiled:
                found.append(Fact(who, frozenset(((row, column),)), when, match.start(), match.end()))
                if not leads and when != "old":
                    who = None
            mark = ""
    if not found:
        for match in _BARE.finditer(text):
            cell = (int(match[2]) - conventions.first, int(match[3]) - conventions.first)
            found.append(Fact(_WHO[match["who"]], frozenset((cell,)), "", match.start(), match.end()))
    return found
