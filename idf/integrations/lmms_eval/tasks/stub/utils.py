"""Questions about two rows of squares, which try the way from a model to a paired table; they say nothing about a model.

A choice is right or wrong; a number gets a score between 0 and 1. Both take the first thing in a response that could be meant.
"""

from __future__ import annotations

import re
from typing import Any

from datasets import Dataset
from PIL import Image, ImageDraw

SIDE = 28  # of a square's place, in pixels


def choices(docs: Dataset) -> Dataset:
    return docs.filter(lambda doc: doc["kind"] == "choice")


def numbers(docs: Dataset) -> Dataset:
    return docs.filter(lambda doc: doc["kind"] == "number")


def doc_to_visual(doc: dict[str, Any]) -> list[Image.Image]:
    picture = Image.new("RGB", (4 * SIDE, 2 * SIDE), "white")
    draw = ImageDraw.Draw(picture)
    for row, (colour, count) in enumerate(doc["squares"].items()):
        for column in range(count):
            x, y = column * SIDE, row * SIDE
            draw.rectangle((x + 4, y + 4, x + SIDE - 5, y + SIDE - 5), fill=colour)
    return [picture]


def doc_to_messages(doc: dict[str, Any], lmms_eval_specific_kwargs: Any = None) -> list[dict[str, Any]]:
    shown = [{"type": "image", "url": picture} for picture in doc_to_visual(doc)]
    return [{"role": "user", "content": [*shown, {"type": "text", "text": doc["question"]}]}]


def right_or_wrong(doc: dict[str, Any], results: list[str]) -> dict[str, dict[str, Any]]:
    said = re.search("[AB]", results[0].upper())
    return {"accuracy": {"score": float(said is not None and said.group() == doc["answer"]), "scene": doc["scene"]}}


def relative_accuracy(doc: dict[str, Any], results: list[str]) -> dict[str, dict[str, Any]]:
    said, truth = re.search(r"\d+", results[0]), int(doc["answer"])
    return {"mra": {"score": max(0.0, 1 - abs(int(said.group()) - truth) / truth) if said else 0.0}}


def mean(rows: list[dict[str, Any]]) -> float:
    return sum(row["score"] for row in rows) / len(rows)
