"""The way back from lmms-eval: its logs of samples become a responses file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import read_lines


def import_lmms(samples: Sequence[Path], out: Path) -> int:
    """Turn what `lmms-eval --log_samples` wrote about our tasks into a file for `idf-eval --responses`.

    Args:
        samples: Files `<time>_samples_idf_spatialite_<world>_<mode>.jsonl`.
        out: The file to write; each line has `id`, `mode`, `response`, and `prompt_tokens` and `completion_tokens` if the log has
            them.

    Returns:
        The number of responses.

    Raises:
        UserError: A file is missing, a line of it is not of our tasks, or two lines answer the same item in the same
            mode; the line is named.
    """
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for path in samples:
        for number, line in enumerate(read_lines(path), 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                row = _response(json.loads(line))
            except json.JSONDecodeError as error:
                raise UserError(f"{where}: not a JSON object ({error.msg})") from None
            except (KeyError, TypeError, IndexError, AttributeError, RecursionError):
                raise UserError(
                    f"{where}: not a sample of the tasks idf_spatialite of lmms-eval, as its option --log_samples writes it"
                ) from None
            except ValueError as error:
                raise UserError(f"{where}: {error}") from None
            if (row["id"], row["mode"]) in told:
                raise UserError(
                    f"{where}: a second response to {row['id']} in mode {row['mode']}: name one run's files"
                )
            told[row["id"], row["mode"]] = row
    if not told:
        raise UserError(f"no sample in {', '.join(map(str, samples))}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(json.dumps(row) + "\n" for row in told.values()), encoding="utf-8")
    return len(told)


def _response(sample: dict[str, Any]) -> dict[str, Any]:
    item = sample["accuracy"]
    text: Any = sample["resps"] if "resps" in sample else sample["filtered_resps"]  # dropped from the log if they agree
    while isinstance(text, list):
        if len(text) != 1:
            raise ValueError(
                f"{len(text)} responses to {item['id']}: a responses file has one, so run without --repeats"
            )
        text = text[0]
    if text is not None and not isinstance(text, str):
        raise TypeError(text)
    counts = (sample.get("token_counts") or [None])[0] or {}
    row = {"id": str(item["id"]), "mode": str(item["mode"]), "response": text or ""}
    tokens = {"prompt_tokens": counts.get("input_tokens"), "completion_tokens": counts.get("output_tokens")}
    return row | {name: int(n) for name, n in tokens.items() if n is not None}
