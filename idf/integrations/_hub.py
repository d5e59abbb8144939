"""A generated suite in the layout of a dataset on the Hugging Face Hub."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from idf.errors import UserError
from idf.suites import item_prompt, open_suite
from idf.version import VERSION
from idf.worlds import WORLDS

from ._documents import document, picture_file

_TEXT = {"dtype": "string", "_type": "Value"}
_FEATURES: dict[str, Any] = {
    "id": _TEXT,
    "world": _TEXT,
    "difficulty": _TEXT,
    "size": {"dtype": "int64", "_type": "Value"},
    "image": {"_type": "Image"},
    "question_vqa": _TEXT,
    "question_tqa": _TEXT,
    "answer": _TEXT,
    "state": _TEXT,
    "prompts": _TEXT,
}
_TYPES = {"size": pa.int64(), "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())])}
# The scorers that eval.yaml may name compare one word: enough for these worlds, but no plan and no list of colours.
_ONE_WORD = ("cube_rolling", "rubiks_cube")
_LAST_ANSWER = r"(?s:.*)Answer:\W*(\w+)"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))


def write_hub_layout(suite: Path, out: Path, prompts: str = "idf-long-1") -> dict[str, int]:
    """Write a generated suite as a dataset: a config for each world, a card, and `eval.yaml`.

    Args:
        suite: The folder of a suite made by `idf suite`.
        out: The folder to write; it must be empty or missing.
        prompts: The prompt set of the questions.

    Returns:
        World -> its number of items.

    Raises:
        UserError: The suite is a published one, which nobody may host again, or the folder is not empty.
    """
    if str(suite).startswith("spatialite:"):
        raise UserError(
            "SpatiaLite is published without a licence, so it cannot be hosted again: name a suite of `idf suite`"
        )
    items = open_suite(str(suite))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not empty: choose another folder")
    counts: dict[str, int] = {}
    for world in dict.fromkeys(item.problem.world for item in items):
        rows = list(_rows((item for item in items if item.problem.world == world), str(suite), prompts))
        path = out / "data" / world / "test-00000-of-00001.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(_table(rows, world), path, row_group_size=100)
        counts[world] = len(rows)
    (out / "README.md").write_text(_card(counts, json.loads((suite / "suite.json").read_text())), encoding="utf-8")
    (out / "eval.yaml").write_text(_evaluation(list(counts)), encoding="utf-8")
    return counts


def _rows(items: Iterable[Any], suite: str, prompts: str) -> Iterator[dict[str, Any]]:
    for item in items:
        found = document(item, "vqa", prompts, picture_file(item, suite))
        yield {
            "id": found.id,
            "world": found.world,
            "difficulty": found.difficulty,
            "size": found.size,
            "image": {"bytes": found.picture, "path": None},
            "question_vqa": found.question,
            "question_tqa": item_prompt(item, "tqa", prompts),
            "answer": found.target.removeprefix("Answer: "),
            "state": found.problem,
            "prompts": prompts,
        }


def _table(rows: list[dict[str, Any]], world: str) -> pa.Table:
    features = dict(_FEATURES)
    if world in _ONE_WORD:  # what eval.yaml can show of a picture is a column of data URIs
        features["image_uri"] = _TEXT
        for row in rows:
            row["image_uri"] = f"data:image/png;base64,{b64encode(row['image']['bytes']).decode()}"
    fields = [(name, _TYPES.get(name, pa.string())) for name in features]
    schema = pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})
    return pa.Table.from_pylist(rows, schema=schema)


def _card(counts: dict[str, int], manifest: dict[str, Any]) -> str:
    total = sum(counts.values())
    configs = [
        {"config_name": world, "data_files": [{"split": "test", "path": f"data/{world}/*.parquet"}]} for world in counts
    ]
    header = {
        "license": "apache-2.0",
        "language": ["en"],
        "pretty_name": "IDF spatial problems",
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "size_categories": [next((name for most, name in _SIZES if total < most), "100K<n<1M")],
        "tags": ["spatial-reasoning", "vlm", "benchmark", "synthetic"],
        "configs": [config | ({"default": True} if not i else {}) for i, config in enumerate(configs)],
    }
    table = "\n".join(
        f"| {world} | {n} | {'plan' if WORLDS[world].plans else 'answer'} |" for world, n in counts.items()
    )
    return (
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n\n# IDF spatial problems: {total:,} items\n\n"
        f"Made by `idf suite` of idf {VERSION}. Pictures and texts come from simulators; no picture and no text of the "
        f"benchmark SpatiaLite is in here.\n\n| config | items | asks for a |\n| --- | --- | --- |\n{table}\n\n"
        "`image` and `question_vqa` ask by picture, `question_tqa` by text alone, and both together in mode vtqa. `answer` is "
        "one right answer: a plan is judged by replaying it from `state`, since many plans are right "
        "(`idf.scoring.score`). `eval.yaml` covers the worlds whose answer is one word.\n\n"
        f"## How to make it again\n\n```yaml\n{yaml.safe_dump(manifest['recipe'], sort_keys=False)}```\n"
    )


def _evaluation(worlds: list[str]) -> str:
    tasks = [
        {
            "id": f"{world}_{mode}",
            "config": world,
            "split": "test",
            "field_spec": {"input": f"question_{mode}", "target": "answer"}
            | ({"input_image": "image_uri"} if mode == "vqa" else {}),
            "solvers": [{"name": "generate"}],
            "scorers": [{"name": "pattern", "args": {"pattern": _LAST_ANSWER}}],
        }
        for world in worlds
        if world in _ONE_WORD
        for mode in ("vqa", "tqa")
    ]
    about = {
        "name": "IDF spatial problems",
        "description": "Cube Rolling and Rubik's Cube by picture or by text; the other worlds need idf's simulators to score.",
        "evaluation_framework": "inspect-ai",
        "tasks": tasks,
    }
    return yaml.safe_dump(about, sort_keys=False)
