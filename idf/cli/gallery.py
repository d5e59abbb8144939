"""The page of `idf gallery`: pictures and conversations to look at."""

from __future__ import annotations

import io
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from idf.cli.stats import token_counter
from idf.data import DatasetFolder, Sample, TokenCounter, open_dataset, text_of
from idf.drawing import decode_picture
from idf.errors import UserError
from idf.files import package_text
from idf.recipe import check_positive
from idf.suites import MODES, Item, item_prompt, read_suite
from idf.worlds import WORLDS

_THUMBNAIL = (448, 448)  # pixels, at most
_SHOWN = ("mode", "wording", "prompts", "teacher", "style", "length", "noise")  # of `meta`, beside the measures


def write_gallery(source: Path, out: Path, limit: int, model: Path | None = None) -> int:
    """Write an HTML page of samples from every world and kind in turn, or of a suite's items.

    Args:
        source: A dataset or suite folder.
        out: The HTML file; it holds its pictures, as thumbnails.
        limit: How many to show; of a suite they are taken from every world and difficulty in turn.
        model: Folder of the model whose tokens are counted; None for an estimate. A suite shows no counts.

    Returns:
        How many are shown.

    Raises:
        UserError: The folder is neither a dataset nor a suite, or a picture cannot be read.
    """
    check_positive("--limit", limit)
    if out.is_dir():
        raise UserError(f"--out: {out} is a folder, name an HTML file")
    if (source / "dataset.json").exists():
        folder = open_dataset(source, made_by=f"idf imagery --out {source}")
        count = token_counter(model)
        sections = [_sample_section(sample, count) for sample in _samples_in_turn(folder, limit)]
    elif (source / "suite.json").exists():
        items = read_suite(source)
        groups = [(item.world, item.difficulty) for item in items]
        sections = [_item_section(items[place]) for place in _in_turn(groups, limit)]
    else:
        raise UserError(f"{source} is neither a dataset (dataset.json) nor a suite (suite.json)")
    page = package_text("cli/gallery.html").replace("{{title}}", escape(str(source)))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page.replace("{{items}}", "\n".join(sections)), encoding="utf-8")
    return len(sections)


def _in_turn(groups: Iterable[tuple[str, str]], limit: int) -> list[int]:
    """The places of the first `limit` members, one from each group in turn, groups in alphabetical order."""
    seen: Counter[tuple[str, str]] = Counter()
    places = []
    for place, group in enumerate(groups):
        places.append((seen[group], group, place))
        seen[group] += 1
    return [place for _, _, place in sorted(places)[:limit]]


def _samples_in_turn(folder: DatasetFolder, limit: int) -> list[Sample]:
    """Samples in turn from every world and kind. Shards are read no further than needed."""
    groups: list[tuple[str, str]] = []
    for shard in folder.shards:
        table = pq.read_table(shard, columns=["world", "kind"])
        groups += zip(table["world"].to_pylist(), table["kind"].to_pylist(), strict=True)
    places = _in_turn(groups, limit)
    if not places:
        raise UserError(f"the dataset in {folder.path} holds no samples")
    found = dict(_at(folder.samples(), set(places)))
    return [found[place] for place in places]


def _at(samples: Iterable[Sample], places: set[int]) -> Iterator[tuple[int, Sample]]:
    last = max(places)
    for place, sample in enumerate(samples):
        if place in places:
            yield place, sample
        if place == last:
            return


def _sample_section(sample: Sample, count: TokenCounter) -> str:
    lengths = count(sample)
    measures = sample.meta.get("measures") or {}
    facts = [
        ("world", sample.world),
        ("kind", sample.kind),
        ("difficulty", sample.difficulty),
        *((key, sample.meta[key]) for key in _SHOWN if key in sample.meta),
        *measures.items(),
        (f"tokens ({count.how})", f"prompt {lengths.prompt:,} + answer {lengths.answer:,} + vision {lengths.vision:,}"),
        ("total", f"{lengths.total:,}"),
    ]
    turns = [(message["role"], text_of(message)) for message in sample.messages]
    pictures = "".join(_thumbnail(f"sample {sample.id}", image) for image in sample.images)
    return _section(sample.id, pictures, facts, turns)


def _item_section(item: Item) -> str:
    if item.exercise is not None:
        mode = next(mode for mode in ("vtqa", *MODES) if mode in item.exercise.prompts["long"])
        truth = item.exercise.response
    else:
        mode, world = "vtqa", WORLDS[item.world]
        truth = f"Answer: {world.answer(item.problem).write(world.truth(item.problem))}"
    turns = [("user", item_prompt(item, mode, "idf-long-1")), ("truth", truth)]
    if item.picture is None or not item.picture.exists():
        raise UserError(f"the picture {item.picture} of item {item.id} is missing")
    facts = [("world", item.world), ("difficulty", item.difficulty)]
    facts += [] if item.exercise is None else [("kind", item.exercise.kind)]
    return _section(item.id, _thumbnail(f"item {item.id}", item.picture.read_bytes()), facts, turns)


def _section(name: str, pictures: str, facts: Iterable[tuple[str, object]], turns: list[tuple[str, str]]) -> str:
    labels = "".join(f"<span><b>{escape(str(key))}</b> {escape(str(value))}</span>" for key, value in facts)
    texts = "".join(f"<h3>{escape(role)}</h3><pre>{escape(text)}</pre>" for role, text in turns)
    return f"<section>{pictures}<h2>{escape(name)}</h2><p>{labels}</p>{texts}</section>"


def _thumbnail(owner: str, image: bytes) -> str:
    """A picture as an image element that holds a small copy of it, with its real size below.

    Raises:
        UserError: It cannot be read; its owner is named.
    """
    try:
        picture = Image.fromarray(decode_picture(image))
    except ValueError as error:
        raise UserError(f"{owner}: {error}") from None
    width, height = picture.size
    picture.thumbnail(_THUMBNAIL)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    data = b64encode(file.getvalue()).decode()
    small = f'width="{picture.width}" height="{picture.height}"'
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" {small} alt="">'
        f"<figcaption>{width} x {height}</figcaption></figure>"
    )
