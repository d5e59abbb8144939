"""What a text says of the faces of a rolling cube, in the forms that models write."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from ._facts import Conventions, Fact, Token, colour_of, spellings, tokens

FACES = ("top", "bottom", "left", "right", "front", "back")
COLOURS = spellings(("red", "yellow", "blue", "green", "gray", "black"))
_NAMES = {face: face for face in FACES} | {"upper": "top", "underside": "bottom", "rear": "back", "behind": "back"}
_NAMES |= {"below": "bottom", "beneath": "bottom", "underneath": "bottom", "above": "top"}
_WAYS = frozenset(("left", "right", "front", "back"))
_ROLLS = frozenset(
    ("roll", "rolls", "rolling", "rolled", "tip", "tips", "tipping", "move", "moves", "moving", "step", "go")
)
_SKIP = frozenset(("to", "the", "toward", "towards", "over", "once", "again", "one", "cell", "cells"))
# Words and signs between the name of a face and its colour
_IS = frozenset(
    (":", "=", "(", "→", "is", "face", "side", "now", "shows", "showing", "has", "becomes", "turns", "stays", "remains")
)
_IS |= frozenset(
    (
        "still",
        "the",
        "a",
        "colour",
        "color",
        "colored",
        "coloured",
        "one",
        "are",
        "stay",
        "remain",
        "both",
        '"',
        "'",
        "[",
        "being",
    )
)
_IS |= frozenset(
    ("again", "keeps", "keep", "become", "also", "displays", "gets", "reads", "carries", "s", "|", "will", "be", "have")
)
_WAS = frozenset(("was", "were", "old", "previous", "previously", "former", "formerly", "had", "before"))
# Words between a colour and the face that it is on
_ON = frozenset(
    ("on", "at", "in", "is", "now", "the", "its", "(", ")", "ends", "lies", "sits", "side", "still", "stays", "remains")
)
_ON |= frozenset(
    (
        "has",
        "stayed",
        "been",
        "remained",
        "have",
        "faces",
        "up",
        "face",
        "shows",
        "of",
        "cube",
        "which",
        "that",
        "and",
        "then",
        "again",
        "back",
        "one",
        "as",
    )
)
_GOES = frozenset(
    ("goes", "moves", "to", "comes", "becomes", "lands", "onto", "rolls", "→", "turns", "into", "travels", "shifts")
)
_GOES |= frozenset(
    ("go", "move", "becoming", "swings", "carried", "down", "over", "rotates", "ends", "toward", "towards", "passes")
)
_FROM = frozenset(("was", "from", "old", "previously", "formerly", "were", "former", "previous", "leaves"))
_NEW = frozenset(("now", "becomes", "become", "turns", "→", "gets", "new"))
_JOINS = frozenset((",", "/", "and", "&", "face", "faces"))
_NEAR = 6
_LABELS = {
    "t": "top",
    "u": "top",
    "l": "left",
    "r": "right",
    "f": "front",
    "d": "bottom",
    "bo": "bottom",
    "bot": "bottom",
}
_LABELS |= {
    "ba": "back",
    "bk": "back",
    "bck": "back",
    "k": "back",
    "lf": "left",
    "le": "left",
    "ri": "right",
    "fr": "front",
    "to": "top",
    "rt": "right",
}
_LABELS |= {"btm": "bottom", "bt": "bottom", "fro": "front"}
_SHORT = re.compile(
    r"(?<![a-z])(t|u|top|l|r|f|d|bo|bot|btm|bt|ba|bk|bck|k|b|lf|le|lt|ri|rt|fr"
    r"|to)\s?[:=]?\s?['\"]?([a-z]{1,6})(?![a-z])"
)
_SHORT_MARKED = re.compile(
    r"(?<![a-z])(t|u|l|r|f|d|bo|bot|btm|bt|ba|bk|bck|k|b|lf|le|lt|ri|rt|fr|to)\s?[:=]\s?['\"]?([a-z]{1,6})(?![a-z])"
)


def read_faces(text: str, conventions: Conventions) -> list[Fact]:
    """The faces whose colours a text names: "top: red", "red is on top", six colours in order, "T=R B=Y L=G"."""
    if "\n" in text:
        net = read_net(text)
        return [Fact(face, frozenset((colour,)), "", 0, len(text)) for face, colour in zip(FACES, net)]
    if six := _six(text, conventions):
        return six
    words = tokens(text)
    found = _named(words, conventions)
    coloured, left = _coloured(words, found)
    # "the left face (green) becomes the top": left was green
    found = [fact._replace(when="old") if fact.end in left else fact for fact in found] + coloured
    if not found:
        found = _short(text, conventions)
    return found


_NET_ROW = re.compile(r"[\s|\[\](+_-]*(?:(?:red|yellow|blue|green|gr[ae]y|black)[\s|\[\])(+_,-]*){1,4}")


def is_net_row(line: str) -> bool:
    """Whether a line may be a row of an unfolded cube: one colour or four and nothing else."""
    return _NET_ROW.fullmatch(line) is not None


def read_net(text: str) -> tuple[str, ...]:
    """An unfolded cube, the top above left, front, right and back, the bottom below: its colours in the order of FACES."""
    rows = [re.findall("[a-z]+", row) for row in text.casefold().split("\n") if row.strip()]
    if [len(row) for row in rows] != [1, 4, 1] or not all(colour in COLOURS for row in rows for colour in row):
        return ()
    ordered = [rows[0][0], rows[2][0], rows[1][0], rows[1][2], rows[1][1], rows[1][3]]
    return tuple(COLOURS[colour] for colour in ordered)


def _six(text: str, conventions: Conventions) -> list[Fact]:
    """A run of six colours, in the order of the trace."""
    run: list[tuple[frozenset[Hashable], int, int]] = []
    words = tokens(text)
    for at, word in enumerate(words):
        values = frozenset((COLOURS[word.text],)) if word.text in COLOURS else frozenset[Hashable]()
        if values:
            run.append((values, word.begin, word.end))
            last = at + 1 == len(words) or words[at + 1].text not in (
                ",",
                "/",
                "|",
                "and",
                "-",
                "–",
                "·",
                ";",
                '"',
                "'",
                "→",
                *COLOURS,
            )
            if last:
                if len(run) == 6:
                    return _in_order(run, conventions)
                run = []
        elif word.text not in (",", "/", "|", "and", "-", "–", "·", ";", '"', "'", "→"):
            run = []
    return _six_letters(text, conventions)


_LETTERS = re.compile(r"(?<![a-z])[a-z]{1,2}(?:[\s,/|·-]{1,3}[a-z]{1,2}){5}(?![a-z])|(?<![a-z])[a-z]{6}(?![a-z])")


def _six_letters(text: str, conventions: Conventions) -> list[Fact]:
    for match in _LETTERS.finditer(text):
        letters = re.findall("[a-z]+", match[0])
        letters = list(letters[0]) if len(letters) == 1 else letters
        run = [(colour_of(letter, COLOURS, conventions.letters), match.start(), match.end()) for letter in letters]
        if (
            len(run) == 6
            and all(values for values, _, _ in run)
            and not set(letters) & {"to", "is", "on", "at", "it", "of"}
        ):
            return _in_order(run, conventions)
    return []


def _in_order(run: Sequence[tuple[frozenset[Hashable], int, int]], conventions: Conventions) -> list[Fact]:
    order = conventions.order or FACES
    return [Fact(face, values, "", begin, end) for face, (values, begin, end) in zip(order, run, strict=True)]


def _is_way(words: Sequence[Token], at: int) -> bool:
    """Whether left, right, front or back is where the cube rolls: "rolls to the right", "after rolling left"."""
    if words[at].text not in _WAYS:
        return False
    at -= 1
    while at >= 0 and words[at].text in _SKIP:
        at -= 1
    return at >= 0 and words[at].text in _ROLLS


def _named(words: Sequence[Token], conventions: Conventions) -> list[Fact]:
    """Faces before colours: "top: red", "front and back stay black and gray", "right = old top = red"."""
    found: list[Fact] = []
    at = 0
    while at < len(words):
        face = _NAMES.get(words[at].text)
        if face is None or _is_way(words, at):
            at += 1
            continue
        faces, begin = [face], words[at].begin
        when = "old" if at and words[at - 1].text in _FROM | _WAS else ""
        if when == "old" and at > 1 and words[at - 1].text == "the" and words[at - 2].text in _FROM:
            when = "old"
        to = at + 1
        while to + 1 < len(words) and words[to].text in _JOINS:
            nxt = to + 1
            while nxt < len(words) and words[nxt].text in ("the", *_JOINS):
                nxt += 1
            if nxt >= len(words) or words[nxt].text not in _NAMES:
                break
            faces.append(_NAMES[words[nxt].text])
            to = nxt + 1
        source = ""
        stop = to + _NEAR
        while to < min(stop, len(words)):
            word = words[to].text
            if word in COLOURS or (word in _JOINS and word not in _IS):
                break
            if word in _WAS or word in ("←", "takes", "from"):
                when = when or "old?"
            elif word in _NAMES and when == "old?" and not source:  # right = old top (red)
                source = _NAMES[word]
            elif word not in _IS:
                break
            if word in _NEW and not when:
                when = "new"
            to += 1
        colours: list[Token] = []
        while to < len(words) and words[to].text in COLOURS and len(colours) < len(faces):
            colours.append(words[to])
            to += 1
            if len(colours) < len(faces):
                while to < len(words) and words[to].text in (*_JOINS, '"', "'"):
                    to += 1
        if not colours and to < len(words) and conventions.letters and len(faces) == 1:
            value = words[to].text
            if value in conventions.letters and to > at + 1:
                found.append(
                    Fact(
                        face, frozenset((COLOURS[conventions.letters[value]],)), when.rstrip("?"), begin, words[to].end
                    )
                )
                at = to + 1
                continue
        if len(colours) == len(faces):
            for name, colour in zip(faces, colours, strict=True):
                values = frozenset((COLOURS[colour.text],))
                if source:
                    found.append(Fact(source, values, "old", begin, colour.end))
                found.append(Fact(name, values, "new" if source else when.rstrip("?"), begin, colour.end))
            at = to
        else:
            at += 1
    return found


def _coloured(words: Sequence[Token], named: Sequence[Fact]) -> tuple[list[Fact], set[int]]:
    """Colours before faces: "red is now on top", "the left face (green) becomes the top"; and where colours end that move."""
    left: set[int] = set()
    ends = {fact.end for fact in named}
    begins = {fact.begin for fact in named}
    found: list[Fact] = []
    for at, word in enumerate(words):
        if word.text not in COLOURS:
            continue
        values = frozenset((COLOURS[word.text],))
        when, moved, to = "", False, at + 1
        while to < min(at + 1 + _NEAR + 2, len(words)):
            said = words[to].text
            if said in _NAMES and not (
                said in ("back",) and to + 1 < len(words) and words[to + 1].text in ("to", "on")
            ):
                if words[to].begin in begins and not moved:
                    break  # the next face of a list
                if word.end in ends and not moved and when != "old":
                    break  # "top red right green": red has its face
                if moved:
                    left.add(word.end)
                found.append(Fact(_NAMES[said], values, when or ("new" if moved else ""), word.begin, words[to].end))
                if when != "old":
                    break
                when, moved = "", False
            elif said in _FROM:
                when = "old"
            elif said in _GOES:
                when, moved = "", True
            elif said == "now":
                when = "new"
            elif said not in _ON:
                break
            to += 1
    return found, left


def _short(text: str, conventions: Conventions) -> list[Fact]:
    """Faces by their initials: "T=R, B=Y, L=G, R=B" or "T:red Bo:yellow"; four at least, so that no word is taken for one."""
    matches = list(_SHORT_MARKED.finditer(text))
    if len(matches) < 3:
        matches = [match for match in _SHORT.finditer(text) if match[2] in COLOURS]
    labels = {match[1] for match in matches}
    b_is_back = bool(labels & {"u", "d", "bo", "bot", "btm", "bt"})
    found = []
    seen_b = False
    for match in matches:
        values = colour_of(match[2], COLOURS, conventions.letters)
        if not values:
            continue
        face = _LABELS.get(match[1]) or _NAMES.get(match[1])
        if match[1] == "b":
            face = "back" if b_is_back or seen_b else "bottom"
            seen_b = True
        if face:
            found.append(Fact(face, values, "", match.start(), match.end()))
    return found if len(found) >= 3 else []
