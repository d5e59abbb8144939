"""Asking, scoring, writing down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from idf import __version__
from idf.backends import HFBackend, Request, Response
from idf.data import conversation
from idf.errors import UserError
from idf.files import read_lines
from idf.scoring import score
from idf.suites import MODES, Item, prompt_text
from idf.worlds import WORLDS

from ._metrics import summarize
from ._picture import picture_of
from ._row import Row


def build_request(item: Item, mode: str, prompts: str, max_pixels: int, redraw: bool) -> Request:
    """The prompt of an item in a mode."""
    picture = None if mode == "tqa" else picture_of(item, max_pixels, redraw)
    return Request(
        conversation(prompt_text(item.problem, mode, prompts), None, with_picture=picture is not None), picture
    )


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
    """Ask every item in every mode and score the responses.

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
    asked = [(mode, item) for mode in modes for item in items]
    rows: dict[int, Row] = {}
    with tqdm(total=len(asked), unit=" items", disable=not show, mininterval=1) as bar:
        # Pictures are large: build the requests of some batches at a time.
        step = 8 * backend.batch_size
        for begin in range(0, len(asked), step):
            some = asked[begin : begin + step]
            requests = [
                build_request(item, mode, prompts, max_pixels, item.problem.world in redraw_worlds)
                for mode, item in some
            ]
            for i, response in backend.generate(requests):
                mode, item = some[i]
                rows[begin + i] = scored(item, mode, response)
                bar.update()
    return [rows[i] for i in range(len(asked))]


def scored(item: Item, mode: str, response: Response, sample: int = 0) -> Row:
    """A response with its verdict."""
    verdict = score(item.problem, response.text, response.finish_reason)
    world = WORLDS[item.problem.world]
    return Row(
        id=item.id,
        world=item.problem.world,
        mode=mode,
        difficulty=item.problem.difficulty,
        correct=verdict.correct,
        error=verdict.error,
        parsed=verdict.parsed,
        response=response.text,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        finish_reason=response.finish_reason,
        moves=verdict.moves,
        optimal=verdict.optimal,
        detail=verdict.detail,
        official=verdict.official,
        sample=sample,
        cluster=world.keys(item.problem).exact,
        size=world.size(item.problem),
    )


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


def read_responses(path: Path) -> dict[tuple[str, str], Response]:
    """Stored responses: one JSON object a line with `id`, `mode`, `response`, `completion_tokens`?, `finish_reason`?.

    Returns:
        (item id, mode) -> response.

    Raises:
        UserError: The file is missing, or a line is broken or doubled; the line is named.
    """
    responses: dict[tuple[str, str], Response] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = (str(row["id"]), str(row["mode"]))
            response = row["response"]
            if not isinstance(response, str):
                raise TypeError(f"response must be a text, not {response!r}")
            tokens = row.get("completion_tokens")
            if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0):
                raise TypeError(f"completion_tokens must be a whole number, not {tokens!r}")
        except (ValueError, KeyError, TypeError) as error:
            what = f"the key {error} is missing" if isinstance(error, KeyError) else error
            raise UserError(f"{path}, line {number}: not a response: {what}") from None
        if key[1] not in MODES:
            raise UserError(f"{path}, line {number}: unknown mode {key[1]!r}, use one of {', '.join(MODES)}")
        if key in responses:
            raise UserError(f"{path}, line {number}: a second response to {key[0]} in mode {key[1]}")
        responses[key] = Response(response, None, tokens, row.get("finish_reason"))
    return responses


def score_rows(
    items: Sequence[Item], modes: Sequence[str], responses: dict[tuple[str, str], Response]
) -> tuple[list[Row], int]:
    """Score stored responses. An item without one counts, as an empty response.

    Returns:
        The rows, and how many items had no response.

    Raises:
        UserError: A response belongs to no item of the suite.
    """
    known = {item.id for item in items}
    if strange := [key[0] for key in responses if key[0] not in known]:
        raise UserError(f"{len(strange)} responses belong to no item of the suite, {strange[0]} among them")
    asked = [(mode, item) for mode in modes for item in items]
    missing = sum((item.id, mode) not in responses for mode, item in asked)
    return [scored(item, mode, responses.get((item.id, mode), Response(""))) for mode, item in asked], missing


def write_results(rows: Sequence[Row], out: Path, run: dict[str, Any]) -> dict[str, Any]:
    """Write `samples.jsonl` and `results.json`.

    Args:
        rows: The scored rows.
        out: The folder.
        run: Everything needed to repeat the run.

    Returns:
        What `results.json` says.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row.to_json()) for row in rows]  # in ASCII: a response may end in half a character
    (out / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    results = {**summarize(rows), "run": run | {"idf": __version__}}
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return results
