"""The rows that verl and EasyR1 train on, from a dataset folder: see docs/rewards.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from idf.data import Sample, open_dataset, text_of
from idf.errors import UserError
from idf.recipe import check_names
from idf.scoring import start_answers
from idf.worlds import problem_from_json

ENGINES = ("verl", "easyr1")
_ROWS_PER_GROUP = 200
# Plain bytes, without the types of one version of `datasets`: both engines open them themselves.
_IMAGES = ("images", pa.list_(pa.struct([("bytes", pa.binary())])))
_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
_TRUTH = pa.struct([("style", pa.string()), ("ground_truth", pa.string())])
_EXTRA = pa.struct([("index", pa.int64()), ("id", pa.string()), ("difficulty", pa.string())])
_SCHEMAS = {
    "verl": pa.schema(
        [
            ("data_source", pa.string()),
            ("prompt", pa.list_(_MESSAGE)),
            _IMAGES,
            ("reward_model", _TRUTH),
            ("extra_info", _EXTRA),
        ]
    ),
    "easyr1": pa.schema([("problem", pa.string()), ("answer", pa.string()), _IMAGES]),
}


class Rows(NamedTuple):
    """What was written.

    Attributes:
        written: Rows.
        answered: Problems that were left out, since their start already answers.
        repeated: Samples that ask what another one asks.
    """

    written: int
    answered: int
    repeated: int


def write_reward_rows(data: Path, out: Path, engine: str) -> Rows:
    """Write the questions of a dataset folder, as `idf traces` makes them, as the rows of another engine.

    Args:
        data: The folder; its responses are not used.
        out: The parquet file to write.
        engine: One of `ENGINES`.

    Raises:
        UserError: The engine is unknown, the file is there, or a sample is about no problem.
    """
    check_names("engine", [engine], ENGINES)
    if out.exists():
        raise UserError(f"{out} is there already: choose another name")
    found, answered, asked = open_dataset(data, "idf traces"), 0, set[str]()

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal answered
        for sample in found.samples():
            if "problem" not in sample.meta:
                raise UserError(f"{data}: sample {sample.id} is about no problem: name a folder that `idf traces` made")
            question = json.dumps([sample.meta["problem"], sample.messages[0]])
            if question not in asked:
                asked.add(question)
                if start_answers(problem_from_json(sample.meta["problem"])):
                    answered += 1
                else:
                    yield _row(sample, len(asked) - answered - 1, engine)

    written, left = 0, rows()
    with pq.ParquetWriter(out, _SCHEMAS[engine], compression="zstd") as writer:
        while group := list(islice(left, _ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=_SCHEMAS[engine]))
            written += len(group)
    return Rows(written, answered, len(found) - len(asked))


def _row(sample: Sample, index: int, engine: str) -> dict[str, Any]:
    prompt = "<image>" * len(sample.images) + text_of(sample.messages[0])
    truth = json.dumps(sample.meta["problem"])
    images = [{"bytes": image} for image in sample.images]
    if engine == "easyr1":
        return {"problem": prompt, "answer": truth, "images": images}
    return {
        "data_source": f"idf/{sample.world}",
        "prompt": [{"role": "user", "content": prompt}],
        "images": images,
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": {"index": index, "id": sample.id, "difficulty": sample.difficulty},
    }
