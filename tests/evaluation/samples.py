"""A small suite, rows written by hand, and a backend that needs no model."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from idf.backends import Backend, Request, Response
from idf.evaluation import Row
from idf.suites import Item
from tests.worlds.samples import problem

ITEMS = [
    Item(f"{world}:{difficulty}:{i}", problem(world, "eval", i, difficulty))
    for world in ("cube_rolling", "moving_box")
    for difficulty in ("easy", "medium")
    for i in range(2)
]


def row(**changes: Any) -> Row:
    """A wrong response of Cube Rolling, but for the changes."""
    plain = {
        "id": "cube_rolling:easy:0",
        "world": "cube_rolling",
        "mode": "tqa",
        "difficulty": "easy",
        "correct": False,
        "error": "wrong",
        "parsed": "red",
        "response": "Answer: red",
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "finish_reason": "stop",
        "moves": None,
        "optimal": None,
        "detail": "the top face is blue",
        "official": 0.0,
    }
    right = {"correct": True, "error": None, "official": 1.0}
    return Row(**{**plain, **(right if changes.get("correct") else {}), **changes})


def inflated(text: str) -> Any:
    """A part of a report's data, as a browser reads it."""
    return json.loads(zlib.decompress(b64decode(text)))


def parts_of(report: Path) -> dict[str, Any]:
    """The data of a `report.html`, inflated: name of the part -> its value."""
    found = re.findall(r'<script type="application/zlib" id="([^"]+)">([^<]*)</script>', report.read_text())
    return {name: inflated(text) for name, text in found}


def pictures_in(report: Path) -> int:
    """How many items of a `report.html` have a picture."""
    parts = [part for name, part in parts_of(report).items() if name.startswith("details-")]
    return sum(item["picture"] is not None for part in parts for item in part["items"])


class FakeBackend(Backend):
    """Answers by a function of the request, in batches and out of order, as a real one does."""

    def __init__(self, answer: Callable[[Request], str], batch_size: int = 2) -> None:
        self.answer = answer
        self.batch_size = batch_size
        self.requests: list[Request] = []
        self.calls: list[int] = []

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        return [list(range(len(lengths)))[at : at + self.batch_size] for at in range(0, len(lengths), self.batch_size)]

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        self.requests.extend(requests)
        self.calls.append(len(requests))
        for i in reversed(range(len(requests))):
            text = self.answer(requests[i])
            yield i, Response(text, 100, len(text.split()), "stop")
