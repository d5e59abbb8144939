"""What `idf-eval` would ask, for other people's clients: prompts and pictures in a folder, or files for a batch service."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from idf.backends import OpenAIBackend, Request, Sampling
from idf.drawing import encode_png
from idf.errors import UserError
from idf.recipe import check_names, check_pixels, check_positive
from idf.suites import MODES, PROMPT_SETS, open_suite
from idf.version import VERSION
from idf.worlds import WORLDS

from .custom_id import custom_id, plain_name
from .evaluation import MAX_PIXELS
from .facts import facts_of
from .items import chosen
from .picture import redraw_worlds
from .queries import Ask, Form, Requests

PICTURES = ("auto", "published", "drawn")
MOST_REQUESTS = 50_000
"""Requests in a file that OpenAI's batch service takes."""
MANIFEST = "prompts.json"


@dataclass(frozen=True)
class BatchOptions:
    """How a batch service is asked; everything but the size of its files is as `OpenAIBackend` takes it.

    Attributes:
        model: The model's name at the service.
        max_new_tokens, temperature, top_p, seed: Those of `Sampling`.
        token_limit_key, extra_body, stop, system: Those of `OpenAIBackend`.
        file_megabytes: Largest file, in 10^6 bytes; OpenAI takes 200.
    """

    model: str
    max_new_tokens: int = 2048
    temperature: float | None = 0.0
    top_p: float = 1.0
    seed: int = 0
    token_limit_key: str = "max_tokens"
    extra_body: dict[str, Any] = field(default_factory=dict)
    stop: list[str] = field(default_factory=list)
    system: str | None = None
    file_megabytes: int = 200

    def backend(self) -> OpenAIBackend:
        """Who would ask the same of an endpoint; nothing is sent, and no key is read.

        Raises:
            UserError: A value is out of its range.
        """
        return OpenAIBackend(
            self.model,
            sampling=Sampling(self.max_new_tokens, self.temperature, self.top_p, self.seed),
            api_key_env="",
            token_limit_key=self.token_limit_key,
            extra_body=self.extra_body,
            stop=self.stop,
            system=self.system,
        )


@dataclass(frozen=True)
class PromptExport:
    """What is written.

    Attributes:
        suite: What is asked, as `idf-eval --suite` takes it.
        out: The folder to write, new or empty.
        modes, limit, duplicates, prompts, samples, max_pixels: Those of `Evaluation`.
        pictures: "auto", "published" or "drawn".
        batch: How a batch service is asked; None for prompts with PNG files.
    """

    suite: str
    out: Path
    modes: list[str] = field(default_factory=lambda: ["vtqa"])
    limit: int | None = None
    duplicates: str = "keep"
    prompts: str = "idf-long-1"
    pictures: str = "auto"
    max_pixels: int = MAX_PIXELS
    samples: int = 1
    batch: BatchOptions | None = None

    def check(self) -> None:
        """Refuse what cannot be written, with a sentence."""
        check_names("--modes", self.modes, MODES)
        check_names("--prompts", [self.prompts], PROMPT_SETS)
        check_names("--pictures", [self.pictures], PICTURES)
        check_names("--duplicates", [self.duplicates], ("keep", "drop"))
        check_pixels(self.max_pixels)
        check_positive("--limit", self.limit)
        check_positive("--samples", self.samples)
        if self.batch is not None:
            self.batch.backend()
            check_positive("--file-megabytes", self.batch.file_megabytes)
            if self.samples > 1 and self.batch.temperature == 0:
                raise UserError(
                    f"--samples {self.samples} would give {self.samples} equal answers: add --temperature 0.7, say"
                )
        if self.out.is_dir() and any(self.out.iterdir()):
            what = "holds exported prompts already" if (self.out / MANIFEST).exists() else "is not empty"
            raise UserError(f"--out {self.out} {what}: choose another folder")
        if self.out.exists() and not self.out.is_dir():
            raise UserError(f"--out {self.out} is a file: name a folder")


def write_prompts(job: PromptExport, *, show: bool = True) -> dict[str, Any]:
    """Write a suite's prompts: `prompts.jsonl` and `pictures/`, or `batch-00001.jsonl` and so on; and `prompts.json`.

    The folder appears when it is whole.

    Args:
        job: What is written.
        show: Whether to show a progress bar.

    Returns:
        What `prompts.json` says.

    Raises:
        UserError: The folder is not empty, the suite or a picture of it cannot be read, the prompt set cannot ask an item, or a
            request does not fit into what a batch service takes.
    """
    job.check()
    items = chosen(open_suite(job.suite), job.duplicates, job.limit)
    form = Form(job.prompts, job.max_pixels, redraw_worlds(job.pictures, items))
    # An item's prompts follow each other, so that its picture is made once.
    asks = [Ask(item, mode, sample) for item in items for mode in job.modes for sample in range(job.samples)]
    requests = Requests(asks, form)
    out = job.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as making:
        folder = Path(making) / out.name
        folder.mkdir()
        asked = zip(asks, _shown(requests, show), strict=True)
        files = _write_lines(asked, folder) if job.batch is None else _write_batch(asked, job.batch, folder)
        manifest = {**_facts(job), **facts_of(items), "requests": len(asks), "files": files}
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        try:
            os.replace(folder, out)
        except OSError as error:
            raise UserError(f"--out {job.out} cannot be written: {error.strerror}") from None
    return manifest


def to_score(job: PromptExport) -> str:
    """The command that scores what comes; items that were not asked would count as empty responses."""
    words = ["idf-eval", "--responses", "FILE", "--suite", job.suite, "--modes", ",".join(job.modes)]
    words += [] if job.limit is None else ["--limit", str(job.limit)]
    words += [] if job.duplicates == "keep" else ["--duplicates", job.duplicates]
    return shlex.join([*words, "--out", "DIR"])


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
            messages = [
                message | {"content": [part | ({"image": name} if part["type"] == "image" else {}) for part in content]}
                for message in request.messages
                for content in [message["content"]]
            ]
            line = {"id": ask.item.id, "mode": ask.mode, "sample": ask.sample, "messages": messages}
            lines.write(json.dumps(line) + "\n")
    return ["prompts.jsonl"]


def _write_batch(asked: Iterator[tuple[Ask, Request]], options: BatchOptions, folder: Path) -> list[str]:
    """Requests in files of the sizes that a batch service takes; their names."""
    backend, most = options.backend(), options.file_megabytes * 10**6
    files: list[str] = []
    requests = size = 0
    for ask, request in asked:
        try:
            name = custom_id(ask.item.id, ask.mode, ask.sample)
        except ValueError as error:
            raise UserError(f"item {ask.item.id} cannot be asked in a batch: {error}") from None
        body = backend.body(request)
        line = json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}) + "\n"
        if len(line) > most:
            raise UserError(
                f"a request for item {ask.item.id} takes {len(line):,} bytes, more than a file of --file-megabytes "
                f"{options.file_megabytes} holds: make pictures smaller with --max-pixels"
            )
        if not files or requests == MOST_REQUESTS or size + len(line) > most:
            files.append(f"batch-{len(files) + 1:05}.jsonl")
            requests = size = 0
        with (folder / files[-1]).open("a", encoding="ascii") as file:
            file.write(line)
        requests, size = requests + 1, size + len(line)
    return files


def _facts(job: PromptExport) -> dict[str, Any]:
    """What decides the prompts, for the manifest."""
    told: dict[str, Any] = {
        "suite": job.suite,
        "modes": job.modes,
        "limit": job.limit,
        "duplicates": job.duplicates,
        "samples": job.samples,
        "prompts": job.prompts,
        "pictures": job.pictures,
        "max_pixels": job.max_pixels,
        "versions": {"idf": VERSION} | {name: world.version for name, world in WORLDS.items()},
    }
    return told if job.batch is None else told | {"batch": vars(job.batch)}
