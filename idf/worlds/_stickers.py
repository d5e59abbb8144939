"""What a text says of the squares of a Rubik's cube, in the forms that models write."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from ._facts import Conventions, Fact, Token, colour_of, spellings, tokens

COLOURS = spellings(("red", "green", "blue", "yellow", "orange", "grey"))
_NAMES = {"up": "U", "down": "D", "left": "L", "right": "R", "front": "F", "back": "B", "upper": "U"}
_LETTERS = {letter.lower(): letter for letter in "UDLRFB"}
_TOPS = {"top": "U", "bottom": "D"}
_ROW_WORDS = (
    ("top", "first", "upper", "1"),
    ("middle", "second", "centre", "center", "2"),
    ("bottom", "third", "last", "lower", "3"),
)
_ROWS = {word: (3 * r, 3 * r + 1, 3 * r + 2) for r, words in enumerate(_ROW_WORDS) for word in words}
_COLUMN_WORDS = (("left", "first", "1"), ("middle", "second", "center", "centre", "2"), ("right", "third", "last", "3"))
_COLUMNS = {word: (c, c + 3, c + 6) for c, words in enumerate(_COLUMN_WORDS) for word in words}
_SQUARES = {
    **{
        f"{row}-{column}": 3 * r + c
        for r, row in enumerate(("top", "middle", "bottom"))
        for c, column in enumerate(("left", "center", "right"))
    },
    **{
        f"{row}-{column}": 3 * r + c
        for r, row in enumerate(("upper", "center", "lower"))
        for c, column in enumerate(("left", "middle", "right"))
    },
    "top-middle": 1,
    "middle-middle": 4,
    "bottom-middle": 7,
    "top-centre": 1,
    "bottom-centre": 7,
    "center": 4,
    "centre": 4,
}
_SEPARATES = frozenset(("/", "|", ",", ";", "[", "]", "(", ")", '"', "'", "-", "–", "·", "\\"))
_IS = frozenset(
    (
        ":",
        "=",
        "is",
        "face",
        "now",
        "→",
        "becomes",
        "stays",
        "remains",
        "still",
        "are",
        "all",
        "shows",
        "side",
        "has",
        "the",
        "reads",
    )
)
_IS |= frozenset(
    (
        "(",
        ")",
        "[",
        "{",
        '"',
        "'",
        "entirely",
        "solid",
        "completely",
        "fully",
        "uniformly",
        "uniform",
        "become",
        "turns",
        "|",
    )
)
_IS |= frozenset(
    (
        "whole",
        "nine",
        "9",
        "squares",
        "stickers",
        "remain",
        "stay",
        "keeps",
        "s",
        "row",
        "rows",
        "looks",
        "like",
        "each",
        "being",
        "–",
        "-",
        "in",
        "every",
        "only",
    )
)
_WHOLE = frozenset(
    (
        "all",
        "still",
        "entirely",
        "solid",
        "completely",
        "fully",
        "uniformly",
        "uniform",
        "whole",
        "nine",
        "9",
        "every",
        "only",
    )
)
_OF = frozenset(("of", "in", "from", "on", "into", "to"))
_LINES = re.compile(r"\b(?:(top|bottom|middle) rows|(left|right|middle) columns)\b")
_THAT_OF = re.compile(r"\bthat (?:of|on|in) (?=(?:the )?(?:up|down|left|right|front|back|[udlrfb])\b)")
_TIMES = re.compile(
    r"\b(red|green|blue|yellow|orange|gr[ae]y|[rgbyo])\s*[x×*]\s*([2-9])\b|\b([2-9])\s*[x×*]\s*(red|green|blue"
    r"|yellow|orange|gr[ae]y)\b"
)
_FACE = (
    r"(?:the )?(up|down|left|right|front|back|top|bottom|upper|[udlrfb])(?:['’]s|'|’)?"
    r"(?: ?\((?:up|down|left|right|front|back|[udlrfb])\))?(?: face)?(?:['’]s)?"
)
_LINE = r"(top|first|upper|middle|second|cent(?:er|re)|bottom|third|last|lower|left|right) (row|column)|(row|column) ([123])"
_ROW_OF = re.compile(rf"\b(?:{_LINE})\s*(?:of|on|in|\()\s*{_FACE}(?![a-z])")
_OF_ROW = re.compile(rf"(?<![a-z]){_FACE}\s*[,:(]?\s*(?:the )?(?:{_LINE})\b")
_SQUARE_OF = re.compile(
    rf"\b((?:top|middle|bottom|upper|lower|center|centre)[- ](?:left|middle|right|cent(?:er|re))|cent(?:er"
    rf"|re))(?: (?:square|sticker|cell|tile))? (?:of|on) {_FACE}(?![a-z])"
)


def read_stickers(text: str, conventions: Conventions) -> list[Fact]:
    """The squares whose colours a text names: "U: red red red / ...", "the top row of F is now green", "D: all blue"."""
    if _TIMES.search(text):
        text = _TIMES.sub(lambda m: " ".join([m[1] or m[4]] * int(m[2] or m[3])), text)
    if _THAT_OF.search(text) and (line := re.search(rf"\b{_LINE}\b", text)):
        text = _THAT_OF.sub(f"{line[0]} of ", text)  # "the right column of U is yellow, that of D is green"
    found, used = _lines(text, conventions)
    words = [word for word in tokens(text) if not any(begin <= word.begin < end for begin, end in used)]
    return found + _faces(words, conventions, _LINES.search(text))


def _face(word: str) -> str:
    return _NAMES.get(word) or _TOPS.get(word) or _LETTERS[word]


def _lines(text: str, conventions: Conventions) -> tuple[list[Fact], list[tuple[int, int]]]:
    """Rows, columns and single squares."""
    found: list[Fact] = []
    used: list[tuple[int, int]] = []
    for pattern in (_ROW_OF, _OF_ROW):
        for match in pattern.finditer(text):
            if any(begin <= match.start() < end for begin, end in used):
                continue
            groups = match.groups()
            face, (name, kind, kind2, number) = (
                (groups[4], groups[:4]) if pattern is _ROW_OF else (groups[0], groups[1:])
            )
            kind, name = kind or kind2, name or number
            squares = (_ROWS if kind == "row" else _COLUMNS).get(name)
            if squares is None:
                continue
            words = tokens(text[match.end() : match.end() + 80])
            run, when, end = _run(words, 0, conventions, most=3)
            if len(run) == 1:
                run = run * 3
            if len(run) == 3:
                found += [
                    Fact((_face(face), square), values, when, match.start(), match.end())
                    for square, values in zip(squares, run, strict=True)
                ]
                used.append((match.start(), match.end() + end))
    for match in _SQUARE_OF.finditer(text):
        square = _SQUARES.get(match[1].replace(" ", "-"))
        run, when, end = _run(tokens(text[match.end() : match.end() + 40]), 0, conventions, most=1)
        if square is not None and len(run) == 1:
            found.append(Fact((_face(match[2]), square), run[0], when, match.start(), match.end()))
            used.append((match.start(), match.end() + end))
    return found, used


def _run(
    words: Sequence[Token], at: int, conventions: Conventions, most: int
) -> tuple[list[frozenset[Hashable]], str, int]:
    """The colours from a place on, after the words that may stand before them; when they hold; and where they end."""
    when, end = "", 0
    for _ in range(6):
        if at >= len(words) or words[at].text not in _IS | {"was", "were"} or words[at].text in COLOURS:
            break
        when = (
            "old"
            if words[at].text in ("was", "were")
            else when or ("new" if words[at].text in ("now", "becomes", "become", "→") else "")
        )
        at += 1
    run: list[frozenset[Hashable]] = []
    while at < len(words) and len(run) < most:
        said = words[at].text
        if said in _SEPARATES:
            at += 1
            continue
        if words[at + 1 : at + 2] and words[at + 1].text in (":", "=") and run:
            break
        values = _colours(said, conventions)
        if not values or len(run) + len(values) > most:
            break
        run += values
        end = words[at].end
        at += 1
    return run, when, end


def _colours(word: str, conventions: Conventions) -> list[frozenset[Hashable]]:
    """The colour of a word, or those of a clump of letters such as "rgg"."""
    if word in COLOURS:
        return [frozenset((COLOURS[word],))]
    if len(word) in (3, 9) and word.isalpha() and word not in ("all", "the", "are", "for", "row", "old", "new"):
        clump = [colour_of(letter, COLOURS, conventions.letters) for letter in word]
        if all(clump):
            return clump
    if word.isalpha() and len(word) <= 2:
        values = colour_of(word, COLOURS, conventions.letters)
        return [values] if values else []
    return []


def _faces(words: Sequence[Token], conventions: Conventions, lines: re.Match[str] | None) -> list[Fact]:
    """Whole faces: the letter or name of one, then its nine colours, or one colour that all of it has."""
    found: list[Fact] = []
    at = 0
    while at < len(words):
        said = words[at].text
        face = _NAMES.get(said) or _TOPS.get(said) or _LETTERS.get(said)
        nxt = words[at + 1].text if at + 1 < len(words) else ""
        if at and words[at - 1].text == "-" and words[at - 1].end == words[at].begin:
            at += 1  # "middle-right" is a square
            continue
        if at and (words[at - 1].text in _OF or (words[at - 1].text == "the" and at > 1 and words[at - 2].text in _OF)):
            at += 1  # "the rows of U are ..."
            continue
        if face is None or (
            said in _LETTERS
            and nxt not in (":", "=", "face", "(", "→", "is", "stays", "remains", "|", '"', "'", "[", *_WHOLE)
            and not (nxt in COLOURS or (len(nxt) in (3, 9) and _colours(nxt, conventions) and said.isalpha()))
        ):
            at += 1
            continue
        to, when, whole = (
            at + 1,
            "old" if at and words[at - 1].text in ("old", "was", "previous", "from") else "",
            False,
        )
        skipped = 0
        while (
            to < len(words)
            and skipped < 8
            and (words[to].text in _IS or words[to].text in ("was", "were") or _same(words[to].text, face))
        ):
            if words[to].text in COLOURS:
                break
            whole = whole or words[to].text in _WHOLE
            if words[to].text in ("now", "becomes", "become", "→") and not when:
                when = "new"
            when = "old" if words[to].text in ("was", "were") else when
            to += 1
            skipped += 1
        run: list[frozenset[Hashable]] = []
        begin = to
        while to < len(words) and len(run) < 9:
            word = words[to].text
            if word in _SEPARATES:
                to += 1
                continue
            if to + 1 < len(words) and words[to + 1].text in (":", "=") and (word in _LETTERS or word in _NAMES):
                break
            values = _colours(word, conventions)
            if not values or len(run) + len(values) > 9:
                break
            run += values
            to += 1
        # "9" counts the squares, or numbers nothing
        named = begin < len(words) and words[begin].text in COLOURS
        if len(run) == 9:
            found += [
                Fact((face, square), values, when, words[at].begin, words[to - 1].end)
                for square, values in enumerate(run)
            ]
        elif len(run) == 1 and named:
            whole = whole or (begin + 1 < len(words) and words[begin + 1].text in ("everywhere", "throughout", "only"))
            squares: Sequence[int] = range(9) if whole else (4,)
            if lines and not whole:  # "the top rows are: F green, B red"
                squares = (_ROWS if lines[1] else _COLUMNS)[lines[1] or lines[2]]
            found += [Fact((face, square), run[0], when, words[at].begin, words[begin].end) for square in squares]
        if len(run) in (1, 9) and (named or len(run) == 9):
            at = to
        else:
            at += 1
    return found


def _same(word: str, face: str) -> bool:
    """Whether a word only names the same face again: "U (up)"."""
    return (_NAMES.get(word) or _TOPS.get(word) or _LETTERS.get(word)) == face


_STICKER_ROW = re.compile(
    r"[\s|\[\"']*(?:red|green|blue|yellow|orange|gr[ae]y|[a-z]{1,2})(?:[\s,|/\"']+(?:red|green|blue|yellow|orange"
    r"|gr[ae]y|[a-z]{1,2})){2}[\s|\],\"']*|[\s|]*[a-z]{3}[\s|]*"
)


def is_row_of_stickers(line: str) -> bool:
    """Whether a line may be a row of a face: three colours and nothing else."""
    if _STICKER_ROW.fullmatch(line) is None:
        return False
    words = re.findall("[a-z]+", line)
    return all(_colours(word, Conventions()) or word in "wkxna" for word in words)


_TURN = re.compile(r"(?<![a-z])([udlrfb])(?: ?([23])(?!\d)| ?(['’`]|-1|i\b))?(?![a-z'’]|-\w)")
_BEGINS = re.compile(
    r"\W*(?:then |next |now |and |finally )?([udlrfb])(?:([23])|(['’`]))?(?: (?:is (?:three|two|a|one|half)|swaps"
    r"|first|brings|turns|takes|carries|sends|moves|cycles|only)\b|[.]\s*$)"
)
_TOLD = re.compile(
    r"\b(?:turn(?:s|ing|ed)?|rotat(?:e|es|ing|ed)|appl(?:y|ies|ying|ied)|after|mov(?:e|es|ing)|perform(?:s|ing)?"
    r"|do(?:ing)?|then|step \d+|make)"
    r"(?: (?:the|a|turn|turning|move|face|\d+|doing|applying|step"
    r"|making))*[ :(,-]*(?<![a-z])(?:([udlrfb])(?: ?([23])(?!\d)| ?(['’`]))?(?![a-z'’])|(up|down|left|right|front"
    r"|back) face"
    r"(?P<how>[^.;]{0,60}))"
)


def read_turns(text: str) -> list[str]:
    """The turns that a text tells: "after U2", "turning the front face clockwise by 180 degrees"; alone, just "u'"."""
    if alone := _TURN.fullmatch(text.strip(" .,:()")):
        return [_turn(alone[1], alone[2], alone[3])]
    found = []
    if begins := _BEGINS.match(text):
        return [_turn(begins[1], begins[2], begins[3])]
    for match in _TOLD.finditer(text):
        if match[1]:
            found.append(_turn(match[1], match[2], match[3]))
        elif match[4]:
            how = match["how"]
            quarters = "2" if re.search(r"\b(?:180|twice|half|two)\b", how) else ""
            if re.search(r"counter|anti|270|three", how):
                quarters = "3"
            if quarters or "clockwise" in how or "90" in how or "quarter" in how:
                found.append(_NAMES[match[4]] + quarters)
    return found


def _turn(letter: str, quarters: str | None, back: str | None) -> str:
    return letter.upper() + (quarters or ("3" if back else ""))
