"""The page of `idf gallery`: pictures and conversations to look at."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path

from idf.data import open_dataset, text_of
from idf.errors import UserError
from idf.files import package_text
from idf.recipe import check_positive
from idf.scoring import write_answer
from idf.suites import prompt_text, read_suite
from idf.worlds import WORLDS


def write_gallery(source: Path, out: Path, limit: int) -> int:
    """Write an HTML page of a dataset's or suite's first items, in turn from every world and difficulty.

    Args:
        source: A dataset or suite folder.
        out: The HTML file; it holds its pictures.
        limit: How many items to show.

    Returns:
        How many are shown.

    Raises:
        UserError: The folder is neither a dataset nor a suite.
    """
    check_positive("--limit", limit)
    if (source / "dataset.json").exists():
        entries = _dataset_entries(source)
    elif (source / "suite.json").exists():
        entries = _suite_entries(source)
    else:
        raise UserError(f"{source} is neither a dataset (dataset.json) nor a suite (suite.json)")
    by_kind: dict[str, list[str]] = {}
    for kind, entry in entries:
        mine = by_kind.setdefault(kind, [])
        if len(mine) < limit:
            mine.append(entry)
    in_turn = [mine[i] for i in range(limit) for _, mine in sorted(by_kind.items()) if i < len(mine)]
    shown = in_turn[:limit]
    page = (
        package_text("cli/gallery.html").replace("{{title}}", escape(str(source))).replace("{{items}}", "".join(shown))
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    return len(shown)


def _dataset_entries(source: Path) -> Iterator[tuple[str, str]]:
    for sample in open_dataset(source, made_by="idf imagery or idf filter").samples():
        turns = [(message["role"], text_of(message)) for message in sample.messages]
        yield f"{sample.world} {sample.difficulty}", _entry(sample.id, sample.images, turns)


def _suite_entries(source: Path) -> Iterator[tuple[str, str]]:
    for item in read_suite(source):
        world = WORLDS[item.problem.world]
        answer = write_answer(world.answer_kind(item.problem), world.truth(item.problem))
        turns = [("user", prompt_text(item.problem, "vtqa", "idf-long-1")), ("truth", f"Answer: {answer}")]
        if item.picture is None or not item.picture.exists():
            raise UserError(f"the picture {item.picture} of item {item.id} is missing")
        images = [item.picture.read_bytes()]
        yield f"{item.problem.world} {item.problem.difficulty}", _entry(item.id, images, turns)


def _entry(name: str, images: list[bytes], turns: list[tuple[str, str]]) -> str:
    pictures = "".join(f'<img src="data:image/png;base64,{b64encode(image).decode()}" alt="">' for image in images)
    texts = "".join(f"<h3>{escape(role)}</h3><pre>{escape(text)}</pre>" for role, text in turns)
    return f"<section><h2>{escape(name)}</h2>{pictures}{texts}</section>"
