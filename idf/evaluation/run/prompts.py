"""What `idf-eval` would ask, for other people's clients: prompts and pictures in a folder, or files for a batch service."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from idf.backends import OpenAIBackend, Request
from idf.drawing import encode_png
from idf.errors import UserError
from idf.recipe import check_positive, to_plain
from idf.suites import HELD_OUT_OF, open_suite
from idf.version import VERSION
from idf.worlds import WORLDS

from .custom_id import custom_id, plain_name
from .evaluation import form_of, items_of, max_pixels_of
from .facts import facts_of
from .queries import Ask, Requests
from .recipe import DEFAULT_MODES, EvaluationRecipe

ASKED = ("suite", "modes", "limit", "duplicates", "samples", "prompts", "pictures", "damage")
"""Keys of a recipe that decide what is asked."""
REQUESTED = ("max_new_tokens", "temperature", "top_p", "seed", "token_limit_key", "extra_body", "stop", "system")
"""Keys that decide a request of a batch besides."""
MOST_REQUESTS = 50_000
"""Requests in a file that OpenAI's batch service takes."""
MANIFEST = "prompts.json"


def write_prompts(
    recipe: EvaluationRecipe, out: Path, *, file_megabytes: int = 200, show: bool = True
) -> dict[str, Any]:
    """Write what an evaluation asks: `prompts.jsonl` and `pictures/`, or `batch-00001.jsonl` and so on; and `prompts.json`.

    The folder appears when it is whole.

    Args:
        recipe: The evaluation. Of stored responses (which need not be there yet) lines are written, of a model of the backend
            openai a batch that asks it.
        out: The folder to write, new or empty.
        file_megabytes: Largest file of a batch, in 10^6 bytes; OpenAI takes 200.
        show: Whether to show a progress bar.

    Returns:
        What `prompts.json` says.

    Raises:
        UserError: The folder is not empty, the suite or a picture of it cannot be read, the prompt set cannot ask an item, or a
            request does not fit into what a batch service takes.
    """
    _check(recipe, out, file_megabytes)
    max_pixels = max_pixels_of(recipe)
    suite, modes = str(recipe.suite), list(recipe.modes or DEFAULT_MODES)
    items = items_of(open_suite(suite), recipe)
    # An item's prompts follow each other, so that its picture is made once.
    asks = [Ask(item, mode, sample) for item in items for mode in modes for sample in range(recipe.samples)]
    requests = Requests(asks, form_of(recipe, suite, items, max_pixels))
    place = out.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as making:
        folder = Path(making) / place.name
        folder.mkdir()
        asked = zip(asks, _shown(requests, show), strict=True)
        if recipe.checkpoint is None:
            files = _write_lines(asked, folder)
        else:
            files = _write_batch(asked, recipe, file_megabytes * 10**6, folder)
        told = {"max_pixels": max_pixels, **facts_of(items), "requests": len(asks), "files": files}
        manifest = _facts(recipe) | {"modes": modes} | told
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        try:
            os.replace(folder, place)
        except OSError as error:
            raise UserError(f"--out {out} cannot be written: {error.strerror}") from None
    return manifest


def to_score(recipe: EvaluationRecipe) -> str:
    """The command that scores what comes; items that were not asked would count as empty responses."""
    words = ["idf-eval", "--responses", "FILE", "--suite", str(recipe.suite)]
    words += ["--modes", ",".join(recipe.modes or DEFAULT_MODES)]
    words += [] if recipe.limit is None else ["--limit", str(recipe.limit)]
    words += [] if recipe.duplicates == "keep" else ["--duplicates", recipe.duplicates]
    return shlex.join([*words, "--out", "DIR"])


def _check(recipe: EvaluationRecipe, out: Path, file_megabytes: int) -> None:
    recipe.check()
    if recipe.baseline is not None or (recipe.checkpoint is not None and recipe.backend != "openai"):
        raise UserError("prompts are written for stored responses, or for a model of the backend openai")
    if recipe.suite is None:
        raise UserError("name the suite that is asked")
    if recipe.pictures == "both":
        raise UserError("--pictures both asks twice: write one folder with auto, and one with published")
    if recipe.held_out:
        raise UserError(
            f"--held-out asks twice: write one folder with --prompts {recipe.prompts}, and one with --prompts "
            f"{HELD_OUT_OF[recipe.prompts]}"
        )
    check_positive("--file-megabytes", file_megabytes)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file: name a folder")
    if out.is_dir() and any(out.iterdir()):
        what = "holds exported prompts already" if (out / MANIFEST).exists() else "is not empty"
        raise UserError(f"--out {out} {what}: choose another folder")


def _shown(requests: Sequence[Request], show: bool) -> Iterator[Request]:
    from tqdm import tqdm

    yield from tqdm(requests, unit=" prompts", mininterval=1, disable=not show)


def _write_lines(asked: Iterator[tuple[Ask, Request]], folder: Path) -> list[str]:
    """Prompts as JSON lines, and each picture once."""
    drawn: set[str] = set()
    with (folder / "prompts.jsonl").open("w", encoding="utf-8") as lines:
        for ask, request in asked:
            name = f"pictures/{plain_name(ask.item.id)}.png"
            if request.picture is not None and name not in drawn:
                (folder / "pictures").mkdir(exist_ok=True)
                (folder / name).write_bytes(encode_png(request.picture))
                drawn.add(name)
            messages = [message | {"content": _named(message["content"], name)} for message in request.messages]
            line = {"id": ask.item.id, "mode": ask.mode, "sample": ask.sample, "messages": messages}
            lines.write(json.dumps(line) + "\n")
    return ["prompts.jsonl"]


def _named(content: list[dict[str, Any]], picture: str) -> list[dict[str, Any]]:
    """The parts of a message, with the file of the picture."""
    return [part | {"image": picture} if part["type"] == "image" else part for part in content]


def _write_batch(
    asked: Iterator[tuple[Ask, Request]], recipe: EvaluationRecipe, most_bytes: int, folder: Path
) -> list[str]:
    """Requests in files of the sizes that a batch service takes; their names."""
    backend = OpenAIBackend.open(recipe.spec)
    assert isinstance(backend, OpenAIBackend)
    files: list[str] = []
    requests = size = 0
    for ask, request in asked:
        try:
            name = custom_id(ask.item.id, ask.mode, ask.sample)
        except ValueError as error:
            raise UserError(f"item {ask.item.id} cannot be asked in a batch: {error}") from None
        body = backend.body(request)
        line = json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}) + "\n"
        if len(line) > most_bytes:
            raise UserError(
                f"a request for item {ask.item.id} takes {len(line):,} bytes, and a file at most {most_bytes:,} "
                "(--file-megabytes): make pictures smaller with --max-pixels"
            )
        if not files or requests == MOST_REQUESTS or size + len(line) > most_bytes:
            files.append(f"batch-{len(files) + 1:05}.jsonl")
            requests = size = 0
        with (folder / files[-1]).open("a", encoding="ascii") as file:
            file.write(line)
        requests, size = requests + 1, size + len(line)
    return files


def _facts(recipe: EvaluationRecipe) -> dict[str, Any]:
    """What decides the prompts, for the manifest."""
    plain = to_plain(recipe)
    told = {name: plain[name] for name in ASKED}
    told["versions"] = {"idf": VERSION} | {name: world.version for name, world in WORLDS.items()}
    if recipe.checkpoint is None:
        return told
    return told | {"model": recipe.checkpoint} | {name: plain[name] for name in REQUESTED}
