"""Boards as text: what a text says of whole boards, single rows and grids of symbols; a part and the symmetries of a grid."""

from __future__ import annotations

import re

from ._facts import Conventions, Fact

_CELL = r"[0-9._·□]"
_GROUPS = re.compile(
    rf"(?<![\w.]){_CELL}{{4}}(?:[\s/|,;\[\]()\"'\\]{{1,6}}(?:row \d\s?[:=]\s?|r\d\s?[:=]\s?"
    rf"|\d[:)]\s)?[\"']?{_CELL}{{4}}){{4}}(?!\w)"
)
_SINGLES = re.compile(
    rf"(?<![\w.]){_CELL}(?:[\s,|/\[\]()\"';]{{1,8}}(?:row \d\s?[:=]\s?[\[|]?\s?)?{_CELL}){{19}}(?!\w)"
)
_RUN = re.compile(r"(?<!\d)[0-9]{20}(?!\d)")
_ROW = re.compile(
    rf"\b(?:row|r)\s?([0-5])(?:\s?\((?:top|bottom|first|last|middle)\))?\s*(?:is|becomes|now|:|=|→|\s)*\s*[\[\"'"
    rf"|(]?\s?({_CELL}(?:[\s,|]{{0,3}}{_CELL}){{3}})(?![\w])"
)
_ROWS = re.compile(
    rf"\brows\s?([0-5])\s?(?:-|–|and|to|,)\s?([0-5])\s*(?:are|become|now|:|=|→|\s)*\s*((?:{_CELL}{{4}}[\s/,"
    rf"|and]{{1,5}})+{_CELL}{{4}})(?!\w)"
)
_NAMED = re.compile(
    rf"\b(top|first|second|third|middle|fourth|fifth|bottom|last) row\s*(?:is|becomes|now|reads|:|=|→|\s)*\s*[\[\"'"
    rf"|(]?\s?({_CELL}(?:[\s,|]{{0,3}}{_CELL}){{3}})(?!\w)"
)
_NAMES = {"top": 0, "first": 0, "second": 1, "third": 2, "middle": 2, "fourth": 3, "fifth": 4, "bottom": 4, "last": 4}
_EMPTY = str.maketrans("._·□", "0000")


def _digits(text: str) -> str:
    return re.sub(r"row \d|r\d\s?[:=]|(?<!\d)\d[:)]\s", "", text).translate(_EMPTY)


_AT = r"[(\[]\s*(\d)\s*,\s*(\d)\s*[)\]]"
_LISTED = rf"{_AT}(?:\s*(?:,|and|,\s*and|&|-|–|to)\s*{_AT})*"
_COVERS = re.compile(
    rf"(?<![\w/])(?:block )?([1-9]) (?:is |are |now |then |sits |lies |stays )*(?:on|at|covers|in|occupies"
    rf"|covering)\s(?:cells? )?({_LISTED})"
)
_FREE = re.compile(
    rf"\b(?:empty|free) (?:cells?|squares?|places?|fields?)(?: (?:at the end|now|then|are|is|left))*\s*:?\s*({_LISTED})"
)
_FREE_ROW = re.compile(
    r"\b(?:empty|free) (?:cells?|squares?)(?: (?:at the end|now|then|are|is"
    r"|in))*\s*row (\d),? columns? (\d)(?: and (?:column )?(\d))?"
)


def _placed(text: str, conventions: Conventions) -> list[Fact]:
    """Cells of a block, and cells that are empty: "6 now on (2,1), (3,1)", "the empty cells are (4,0) and (4,1)"."""
    found: list[Fact] = []
    for pattern in (_COVERS, _FREE):
        for match in pattern.finditer(text):
            digit, cells = (match[1], match[2]) if pattern is _COVERS else ("0", match[1])
            for row, column in re.findall(_AT, cells):
                cell = (int(row) - conventions.first, int(column) - conventions.first)
                found.append(Fact(cell, frozenset((digit,)), "new", match.start(), match.end()))
    for match in _FREE_ROW.finditer(text):
        for column in filter(None, match.groups()[1:]):
            cell = (int(match[1]) - conventions.first, int(column) - conventions.first)
            found.append(Fact(cell, frozenset("0"), "new", match.start(), match.end()))
    return found


_BOARD = re.compile(rf"(?<![\w.])(?:{_CELL}{{4}}\s?/\s?){{4}}{_CELL}{{4}}(?!\w)\)?")


def cut_after_boards(text: str) -> list[str]:
    """A sentence in pieces that end behind a board: "7u leads to <board>", "and 8u to <board>"."""
    pieces, at = [], 0
    for match in _BOARD.finditer(text):
        pieces.append(text[at : match.end()])
        at = match.end()
    return [*pieces, text[at:]] if pieces and re.search(r"\w", text[at:]) else pieces or [text]


def read_board(text: str, conventions: Conventions) -> list[Fact]:
    """Boards of 5 x 4 digits in a text, whole or in rows, and cells of single blocks."""
    return _boards(text, conventions) or _placed(text, conventions)


def _boards(text: str, conventions: Conventions) -> list[Fact]:
    for pattern in (_GROUPS, _SINGLES, _RUN):
        if match := pattern.search(text):
            said = _digits(match[0]) if pattern is not _RUN else match[0]
            board = "".join(re.findall("[0-9]", said))
            if len(board) == 20:
                return [
                    Fact((i // 4, i % 4), frozenset((digit,)), "", match.start(), match.end())
                    for i, digit in enumerate(board)
                ]
    found: list[Fact] = []
    for match in _ROWS.finditer(text):
        rows = re.findall(rf"{_CELL}{{4}}", match[3])
        first, last = int(match[1]) - conventions.first, int(match[2]) - conventions.first
        if len(rows) == last - first + 1:
            for r, row in enumerate(rows, first):
                found += [
                    Fact((r, c), frozenset((digit,)), "", match.start(), match.end())
                    for c, digit in enumerate(row.translate(_EMPTY))
                ]
    for match in _ROW.finditer(text):
        digits = re.findall("[0-9]", match[2].translate(_EMPTY))
        row = int(match[1]) - conventions.first
        if len(digits) == 4:
            found += [
                Fact((row, c), frozenset((digit,)), "", match.start(), match.end()) for c, digit in enumerate(digits)
            ]
    for match in _NAMED.finditer(text):
        digits = re.findall("[0-9]", match[2].translate(_EMPTY))
        if len(digits) == 4:
            found += [
                Fact((_NAMES[match[1]], c), frozenset((digit,)), "", match.start(), match.end())
                for c, digit in enumerate(digits)
            ]
    return found


_SYMBOL = {
    "#": "#",
    "s": "S",
    "p": "S",
    "@": "S",
    "b": "B",
    "$": "B",
    "t": "T",
    "g": "T",
    "+": "+",
    "*": "*",
    ".": ".",
    "_": ".",
    "-": ".",
    "·": ".",
}
_ON_TARGET = {"B": frozenset("B*"), "S": frozenset("S+")}
_GRID_LINE = re.compile(r"[#spbtg@$+*._·\-\s|,'\"\[\]]+")


def is_grid_line(line: str) -> bool:
    """Whether a line may be a row of a room: it begins and ends with a wall."""
    said = line.strip().strip("[]|,'\" ")
    return len(said) >= 4 and "#" in (said[0], said[-1]) and _GRID_LINE.fullmatch(said) is not None


def read_grid(text: str) -> list[Fact]:
    """A room drawn row by row."""
    rows = [line for line in text.split("\n") if is_grid_line(line)]
    if len(rows) < 4:
        return []
    found = []
    for r, line in enumerate(rows):
        symbols = [_SYMBOL[sign] for sign in line if sign in _SYMBOL]
        # Some draw the box on the target as a box, and the player on it as a player.
        found += [
            Fact((r, c), _ON_TARGET.get(symbol, frozenset(symbol)), "", 0, len(text))
            for c, symbol in enumerate(symbols)
        ]
    return found


_BOARD_ROW = re.compile(rf"(?:row )?(?:[1-5][:)] )?[\[|\"' ]*{_CELL}(?:[\s,|\"']{{0,4}}{_CELL}){{3}}[\]|\"', ]*")


def is_board_row(line: str) -> bool:
    """Whether a line may be a row of a board of blocks: four digits and nothing else."""
    return _BOARD_ROW.fullmatch(line.strip()) is not None


def within(rows: list[str], cell: tuple[int, int], radius: int) -> str:
    """Rows of signs, blanks between, as seen from a cell: `?` for what is further off than a radius, diagonally too."""
    row, column = cell
    return "\n".join(
        " ".join(sign if max(abs(r - row), abs(c - column)) <= radius else "?" for c, sign in enumerate(signs))
        for r, signs in enumerate(rows)
    )


def in_eight_symmetries(rows: list[str]) -> list[list[str]]:
    """Rows of symbols, turned by quarters and mirrored: the eight symmetries of the square."""
    images = []
    for image in (rows, ["".join(column) for column in zip(*rows)]):
        mirrored = [row[::-1] for row in image]
        images += [image, image[::-1], mirrored, mirrored[::-1]]
    return images
