"""Asking, scoring, writing down."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from idf import __version__
from idf.backends import HFBackend, Response
from idf.errors import UserError
from idf.files import read_lines
from idf.scoring import diagnose, score
from idf.scoring.rules_version import RULES_VERSION
from idf.suites import MODES, Item
from idf.worlds import WORLDS

from ._answers import Answers
from ._asking import ask_all, collect
from ._asks import Ask, Form, Requests, all_asks
from ._baselines import baseline_cells
from ._metrics import summarize
from ._row import Row


def evaluate(
    items: Sequence[Item],
    modes: Sequence[str],
    backend: HFBackend,
    *,
    prompts: str,
    max_pixels: int,
    redraw_worlds: Sequence[str] = (),
    show: bool = True,
) -> list[Row]:
    """Ask every item in every mode once, keep the answers in memory, and score them.

    Args:
        items: The items.
        modes: What the model is shown.
        backend: Who answers.
        prompts: The prompt set.
        max_pixels: Largest picture; larger ones are made smaller, the same way for every backend.
        redraw_worlds: Worlds whose pictures are drawn from the state, even if there is a file.
        show: Whether to show a progress bar.

    Returns:
        Rows in the order of modes, then items.
    """
    asks = all_asks(items, modes)
    requests = Requests(asks, Form(prompts, max_pixels, frozenset(redraw_worlds)))
    keys, answers = [str(i) for i in range(len(asks))], Answers()
    ask_all(requests, keys, answers, backend, batch_size=backend.batch_size, show=show)
    return [scored(ask, response) for ask, response in zip(asks, collect(keys, answers), strict=True)]


def scored(ask: Ask, response: Response) -> Row:
    """A response with its verdict."""
    item, world = ask.item, WORLDS[ask.item.problem.world]
    return Row(
        id=item.id,
        world=item.problem.world,
        mode=ask.mode,
        difficulty=item.problem.difficulty,
        response=response.text,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        finish_reason=response.finish_reason,
        sample=ask.sample,
        cluster=world.keys(item.problem).exact,
        size=world.size(item.problem),
        **_verdict(item, response.text, response.finish_reason, response.text),
    )


def scored_as(item: Item, row: Row, text: str) -> Row:
    """A row with the verdict on another text in the place of its response."""
    return replace(row, **_verdict(item, text, row.finish_reason, row.response))


def _verdict(item: Item, text: str, finish_reason: str | None, response: str) -> dict[str, Any]:
    """The fields of a row on what a text answers, and on what went wrong in the response that it stands for."""
    verdict = score(item.problem, text, finish_reason)
    found = diagnose(item.problem, response, verdict)
    return {
        "correct": verdict.correct,
        "error": verdict.error,
        "parsed": verdict.parsed,
        "detail": verdict.detail,
        "moves": verdict.moves,
        "optimal": verdict.optimal,
        "official": verdict.official,
        "solved_prefix": verdict.solved_prefix,
        "cause": found.cause,
        "wrong_step": found.wrong_step,
        "cause_detail": found.detail or None,
    }


def spread(items: Sequence[Item], limit: int) -> list[Item]:
    """At most `limit` items of each world, spread evenly over the suite's order, so that no difficulty is left out."""
    by_world: dict[str, list[Item]] = {}
    for item in items:
        by_world.setdefault(item.problem.world, []).append(item)
    kept: list[Item] = []
    for mine in by_world.values():
        n = min(limit, len(mine))
        kept += [mine[i * len(mine) // n] for i in range(n)]
    return kept


MOST_SAMPLES = 9_999  # of a stored response: each number up to it is a row of every item
MOST_TOKENS = 10**12

Stored = dict[tuple[str, str, int], Response]
"""(item id, mode, number of the sample) -> response."""


def read_responses(path: Path) -> Stored:
    """Stored responses: one JSON object a line with `id`, `mode`, `response` and, if known, `sample`, `prompt_tokens`,
    `completion_tokens`, `finish_reason`.

    Raises:
        UserError: The file is missing, or a line is broken or doubled; the line is named.
    """
    responses: Stored = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = (str(row["id"]), str(row["mode"]), _count(row, "sample") or 0)
            response = row["response"]
            if not isinstance(response, str):
                raise TypeError(f"response must be a text, not {response!r}")
            asked, told = _count(row, "prompt_tokens"), _count(row, "completion_tokens")
            finish_reason = row.get("finish_reason")
            if not (finish_reason is None or isinstance(finish_reason, str)):
                raise TypeError(f"finish_reason must be a text, not {finish_reason!r}")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            what = f"the key {error} is missing" if isinstance(error, KeyError) else error
            raise UserError(f"{path}, line {number}: not a response: {what}") from None
        if key[1] not in MODES:
            raise UserError(f"{path}, line {number}: unknown mode {key[1]!r}, use one of {', '.join(MODES)}")
        if key in responses:
            which = f", sample {key[2]}" if key[2] else ""
            raise UserError(f"{path}, line {number}: a second response to {key[0]} in mode {key[1]}{which}")
        responses[key] = Response(response, asked, told, finish_reason)
    return responses


def _count(row: dict[str, Any], key: str) -> int | None:
    """A whole number of a row, or None if it is not there."""
    n = row.get(key)
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 0):
        raise TypeError(f"{key} must be a whole number, not {n!r}")
    if n is not None and n > (most := MOST_SAMPLES if key == "sample" else MOST_TOKENS):
        raise TypeError(f"{key} must be at most {most:,}")
    return n


def score_rows(
    items: Sequence[Item], modes: Sequence[str], responses: Stored, samples: int = 1
) -> tuple[list[Row], int]:
    """Score stored responses. What has none counts, as an empty response.

    Returns:
        The rows, and how many had no response.

    Raises:
        UserError: A response belongs to no item of the suite.
    """
    known = {item.id for item in items}
    if strange := [key[0] for key in responses if key[0] not in known]:
        raise UserError(f"{len(strange)} responses belong to no item of the suite, {strange[0]} among them")
    asks = all_asks(items, modes, samples)
    keys = [(ask.item.id, ask.mode, ask.sample) for ask in asks]
    missing = sum(key not in responses for key in keys)
    return [scored(ask, responses.get(key, Response(""))) for ask, key in zip(asks, keys, strict=True)], missing


def write_results(
    rows: Sequence[Row], out: Path, run: dict[str, Any], items: Sequence[Item] = (), modes: Sequence[str] = ()
) -> dict[str, Any]:
    """Write `samples.jsonl` and `results.json`.

    Args:
        rows: The scored rows.
        out: The folder.
        run: Everything needed to repeat the run.
        items: The items, if they are at hand: then the results say what trivial players get on them.
        modes: What was shown.

    Returns:
        What `results.json` says.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row.to_json()) for row in rows]  # in ASCII: a response may end in half a character
    baselines = {"baselines": baseline_cells(items, modes)} if items else {}
    results = {**summarize(rows), **baselines, "run": run | {"scoring_rules": RULES_VERSION, "idf": __version__}}
    # Both are written before either takes its place: a kill must not leave new samples beside old results.
    texts = {"samples.jsonl": "\n".join(lines) + "\n", "results.json": json.dumps(results, indent=2) + "\n"}
    for name, text in texts.items():
        (out / f".{name}.part").write_text(text, encoding="utf-8")
    for name in texts:
        os.replace(out / f".{name}.part", out / name)
    return results
