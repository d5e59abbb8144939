"""The browser of responses: every row in a list, and as many with question, picture and replay as the page has room for."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from zlib_ng import zlib_ng

from idf.suites import MODES, Item

from ..metrics.row import Row
from .details import item_details, row_details

MOST_RESPONSES = 5_000
"""How many responses a page holds at most, unless said otherwise."""
MOST_CHARACTERS = 200_000
"""How long a response may be: one of megabytes would take the room of hundreds."""
MOST_PICTURES = 1_000
"""How many items of a page have a picture, unless said otherwise: at most some 6 MB."""
PART_RESPONSES = 50
"""Responses in one part of the page's data, at most; a part is inflated when one of its responses is opened."""
_PART_BYTES = 300_000  # of JSON: a part that has as many is full
_LEVEL = 6  # of deflate
_ABOUT_PARTS = 300  # bytes: what the part `places` takes besides the numbers in it


class Browser(NamedTuple):
    """What the browser shows.

    Attributes:
        parts: Name -> JSON, deflated: `index` (every row), `places` (which part has what), `details-0`, ...
        held: How many responses have details in it.
        too_long: How many have none because they are longer than `MOST_CHARACTERS`.
        too_many: How many have none because the page holds no more than so many.
        too_large: How many have none because there is no room for more bytes.
    """

    parts: dict[str, str]
    held: int
    too_long: int
    too_many: int
    too_large: int


class _Entry(NamedTuple):
    """The details of a row, and those of its item unless an entry before it has them."""

    at: int  # the row's place in the list
    row: str  # JSON
    number: int | None  # the item's
    item: str | None  # JSON
    pictured: bool


def browser_data(
    rows: Sequence[Row],
    items: Sequence[Item] | None,
    prompts: str | None,
    pictures: int | None = None,
    *,
    first: Sequence[Row] = (),
    most_responses: int = MOST_RESPONSES,
    room: int = 20_000_000,
) -> Browser:
    """All that the browser shows, in parts.

    Details (response, replay, question, picture) are given to responses that are not correct, one of every world, mode
    and difficulty in turn, then to those that are. The list of all rows is whole, even where it alone is larger than
    the room.

    Args:
        rows: The scored rows, in the order of `samples.jsonl`.
        items: The items that they belong to; None if they are not there.
        prompts: The prompt set that asked them; None if nobody was asked, or nobody knows.
        pictures: How many items get a picture at most; None for `MOST_PICTURES`.
        first: Rows that come before all others: those that the page links to.
        most_responses: How many responses get details at most.
        room: How many bytes all parts take at most, as they stand in the page.
    """
    place: dict[str, int] = {}
    for row in rows:
        place.setdefault(row.id, len(place))
    rank = {mode: at for at, mode in enumerate(MODES)}
    listed = sorted(
        enumerate(rows, 1),
        key=lambda one: (one[1].world, place[one[1].id], rank.get(one[1].mode, 99), one[1].mode, one[1].sample),
    )
    known = {item.id: item for item in items or () if item.id in place}
    number = {id: at for at, id in enumerate(known)}
    index = deflated(
        json_text(
            [
                [
                    row.id,
                    row.world,
                    row.mode,
                    row.difficulty,
                    outcome(row),
                    row.cause,
                    row.sample,
                    number.get(row.id),
                    line,
                ]
                for line, row in listed
            ]
        )
    )
    ordered = [row for _, row in listed]
    queue = [at for at in _in_turn(ordered, first) if len(ordered[at].response) <= MOST_CHARACTERS]
    most_pictures = MOST_PICTURES if pictures is None else pictures
    entries = _entries(queue[:most_responses], ordered, known, number, prompts, most_pictures)
    details, taken = _packed(entries, room - bytes_in_page("index", index) - _ABOUT_PARTS)
    places = {
        "parts": [_numbers(some) for some in taken],
        "items": items is not None,
        "pictures": [sum(entry.pictured for some in taken for entry in some), len(known)],
    }
    n = sum(map(len, taken))
    return Browser(
        parts={"index": index, "places": deflated(json_text(places)), **details},
        held=n,
        too_long=len(rows) - len(queue),
        too_many=len(queue[most_responses:]),
        too_large=len(queue[:most_responses]) - n,
    )


def outcome(row: Row) -> str:
    """The class of an error, or "correct"."""
    return "correct" if row.correct else row.error or "wrong"


# --- which responses ---------------------------------------------------------------------------------------------


def _in_turn(rows: Sequence[Row], first: Sequence[Row]) -> list[int]:
    """The places of all rows: those of `first`, then false ones, then right ones, of every kind in turn.

    The first samples of all items of a kind come before their second ones.
    """
    wanted = {(row.id, row.mode, row.sample) for row in first}
    groups: list[dict[tuple[str, str, str], list[int]]] = [defaultdict(list) for _ in range(3)]
    for at in sorted(range(len(rows)), key=lambda at: rows[at].sample):
        row = rows[at]
        rank = 0 if (row.id, row.mode, row.sample) in wanted else 2 if row.correct else 1
        groups[rank][row.world, row.mode, row.difficulty].append(at)
    return [at for kinds in groups for at in chain.from_iterable(zip_longest(*kinds.values())) if at is not None]


def _entries(
    queue: Iterable[int],
    rows: Sequence[Row],
    known: Mapping[str, Item],
    number: Mapping[str, int],
    prompts: str | None,
    most_pictures: int,
) -> Iterator[_Entry]:
    """The details of rows, one by one: nothing is computed for a row that is never asked for."""
    modes: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        modes[row.id].add(row.mode)
    told: set[str] = set()
    for at in queue:
        row = rows[at]
        item = known.get(row.id)
        details = json_text(row_details(row, None if item is None else item.task))
        if item is None or item.id in told:
            yield _Entry(at, details, None, None, False)
            continue
        pictured = len(told) < most_pictures
        told.add(item.id)
        about = json_text(item_details(item, sorted(modes[item.id]), prompts, pictured))
        yield _Entry(at, details, number[item.id], about, pictured)


# --- parts -------------------------------------------------------------------------------------------------------


def _packed(entries: Iterable[_Entry], room: int) -> tuple[dict[str, str], list[list[_Entry]]]:
    """Parts that fit into the room, and what each holds; the last one is halved until it fits."""
    parts: dict[str, str] = {}
    taken: list[list[_Entry]] = []
    for batch in _batches(entries):
        name, some = f"details-{len(parts)}", batch
        while some:
            text = _part(some)
            size = bytes_in_page(name, text) + len(json_text(_numbers(some))) + 1
            if size <= room:
                parts[name] = text
                taken.append(some)
                room -= size
                break
            some = some[: len(some) // 2]
        if len(some) < len(batch):
            break
    return parts, taken


def _batches(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    some: list[_Entry] = []
    size = 0
    for entry in entries:
        some.append(entry)
        size += len(entry.row) + len(entry.item or "")
        if len(some) == PART_RESPONSES or size >= _PART_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _part(entries: Sequence[_Entry]) -> str:
    rows, items = ",".join(entry.row for entry in entries), ",".join(entry.item for entry in entries if entry.item)
    return deflated(f'{{"rows":[{rows}],"items":[{items}]}}')


def _numbers(entries: Sequence[_Entry]) -> list[list[int]]:
    """Of which rows and which items a part has details, in its order."""
    return [[entry.at for entry in entries], [entry.number for entry in entries if entry.number is not None]]


def json_text(value: Any) -> str:
    """A value as JSON, in ASCII."""
    return json.dumps(value, separators=(",", ":"))


def deflated(text: str) -> str:
    """A text as the page holds it: in UTF-8, deflated (zlib, RFC 1950), in base64."""
    return b64encode(zlib_ng.compress(text.encode(), _LEVEL)).decode()


def in_page(name: str, text: str) -> str:
    """A part as it stands in the page."""
    return f'<script type="application/zlib" id="{name}">{text}</script>\n'


def bytes_in_page(name: str, text: str) -> int:
    """How many bytes a part takes in the page."""
    return len(in_page(name, text))
