"""Spatial problems of a suite for lmms-eval; scored by parsing the final answer and replaying plans, never by a judge.

The environment says which suite: IDF_SUITE (a folder of `idf suite`, or spatialite:DIR), IDF_PROMPTS (default idf-long-1).
Every item counts: an answer that cannot be read is wrong, and `unparsed` says how many there were.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from datasets import Dataset
from datasets import Image as ImageColumn
from PIL import Image

from idf.drawing import decode_picture
from idf.errors import UserError
from idf.integrations._documents import judge, read_documents
from idf.suites import MODES
from idf.worlds import DIFFICULTIES, WORLDS


def suite_docs(world: str, mode: str, _seed: Dataset) -> Dataset:
    """The items of a world; lmms-eval passes the line of seed.jsonl, since a task of its must load some file."""
    suite = os.environ.get("IDF_SUITE")
    if not suite:
        raise UserError("IDF_SUITE is not set: make a suite with `idf suite --out DIR` and export IDF_SUITE=DIR")
    rows = [
        {name: value for name, value in vars(found).items() if name != "picture"}
        | ({} if found.picture is None else {"image": {"bytes": found.picture, "path": None}})
        for found in read_documents(suite, mode, os.environ.get("IDF_PROMPTS", "idf-long-1"), world)
    ]
    docs = Dataset.from_list(rows)
    return docs if mode == "tqa" else docs.cast_column("image", ImageColumn())


# A task names its function in YAML and can pass it nothing: one name for each world and mode, for example cube_rolling_vqa.
globals().update({f"{world}_{mode}": partial(suite_docs, world, mode) for world in WORLDS for mode in MODES})


def doc_to_visual(doc: dict[str, Any]) -> list[Image.Image]:
    image = doc.get("image")
    if isinstance(image, dict):  # not decoded
        image = Image.fromarray(decode_picture(image["bytes"]))
    return [] if image is None else [image.convert("RGB")]


def doc_to_text(doc: dict[str, Any]) -> str:
    return str(doc["question"])


def doc_to_messages(doc: dict[str, Any]) -> list[dict[str, Any]]:
    pictures = [{"type": "image", "url": picture} for picture in doc_to_visual(doc)]
    return [{"role": "user", "content": [*pictures, {"type": "text", "text": doc_to_text(doc)}]}]


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, dict[str, Any]]:
    verdict = judge(doc["problem"], results[0])
    item = {key: doc[key] for key in ("id", "world", "mode", "difficulty", "prompts", "cluster")}
    about = {"error_class": verdict.error, "moves": verdict.moves, "optimal": verdict.optimal}

    def scored(right: bool) -> dict[str, Any]:
        return {"score": float(right), "cluster": doc["cluster"]}

    return {
        "accuracy": item | about | scored(verdict.correct),
        # Without a score an item of another difficulty stays out of a mean and its error, but is counted as a sample.
        **{name: scored(verdict.correct) if name == doc["difficulty"] else {} for name in DIFFICULTIES},
        "unparsed": scored(verdict.error in ("unparsed", "empty", "refused", "truncated")),
    }


def mean(rows: list[dict[str, Any]]) -> float | None:
    scores = [row["score"] for row in rows if "score" in row]
    return sum(scores) / len(scores) if scores else None  # a difficulty that the suite does not have
