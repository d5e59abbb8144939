"""What `idf stats` prints and writes, and who counts tokens for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from idf.data import EstimatedTokens, Lengths, Sample, TokenCounter, in_order, measure_dataset, open_dataset
from idf.errors import UserError
from idf.extras import require
from idf.worlds import LENGTHS

from .shortened import shortened


def write_stats(source: Path, out: Path | None, model: Path | None) -> str:
    """Count what a dataset consists of.

    Args:
        source: A dataset folder.
        out: Folder for `stats.json` and the plots; None for none.
        model: Folder of the model whose tokens are counted; None for an estimate.

    Returns:
        The tables to print.

    Raises:
        UserError: There is no dataset or no such model, or a sample cannot be counted.
    """
    folder = open_dataset(source, made_by=f"idf imagery --out {source}")
    if out is not None and out.is_file():
        raise UserError(f"--out: {out} is a file, name a folder")
    if out is not None:
        from idf.cli.figures import check_plots

        check_plots()  # before the work, not after it
    stats = measure_dataset(folder, token_counter(model))
    if out is not None:
        from idf.cli.figures import write_figures

        out.mkdir(parents=True, exist_ok=True)
        (out / "stats.json").write_text(json.dumps(stats, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        write_figures(stats, out)
    return tables(stats)


def token_counter(model: Path | None) -> TokenCounter:
    """Who counts tokens: the tokenizer of a model folder, or an estimate.

    Raises:
        UserError: The folder holds no model.
    """
    return EstimatedTokens() if model is None else ModelTokens(model)


class ModelTokens:
    """Counts the tokens that a model is trained on, with its own tokenizer, chat template and picture grid.

    Args:
        model: A local Hugging Face folder.

    Raises:
        UserError: It holds no model or no processor.
    """

    def __init__(self, model: Path) -> None:
        if not model.is_dir():
            raise UserError(f"--model: there is no folder {model}")
        require("--model", "hf")
        from idf.training.encode import Encoder
        from idf.training.load import load_processor

        self.how = f"exact, by the tokenizer of {model.resolve().name}"
        # Nothing is refused for its length here.
        self._encode = Encoder(load_processor(str(model.resolve())), max_length=10**9, max_pixels=10**9)

    def __call__(self, sample: Sample) -> Lengths:
        """As `TokenCounter`; what training would refuse (a special token in a text) is refused here too."""
        encoded = self._encode(sample)
        vision = sum(time * height * width for time, height, width in encoded.grids) // self._encode.merge**2
        answer = sum(label >= 0 for label in encoded.labels)
        return Lengths(len(encoded) - answer - vision, answer, vision)


def tables(stats: dict[str, Any]) -> str:
    """The statistics as tables in text, each with a heading."""
    worlds = stats["worlds"]
    named = f"{stats['samples']:,} samples" + (f", stage {stats['stage']}" if stats["stage"] else "")
    parts = [named]
    for heading, rows in (
        ("samples", _counts(worlds)),
        ("scenes, modes, wordings", _forms(worlds)),
        ("lengths of traces", _lengths(worlds)),
        ("answers", _answers(worlds)),
        (f"tokens ({stats['tokens']}): median / p90 / max", _tokens(worlds)),
        ("measures of difficulty: min / median / max", _measures(worlds)),
        ("actions", _actions(worlds)),
        ("not stated in meta", _not_stated(worlds)),
    ):
        lines = list(rows)
        if len(lines) > 1:
            parts.append(f"{heading}\n{_aligned(lines)}")
    return "\n\n".join(parts)


Rows = Iterator[list[str]]
"""Cells of a table, the header first."""


def _counts(worlds: dict[str, Any]) -> Rows:
    kinds = sorted({kind for facts in worlds.values() for some in facts["counts"].values() for kind in some})
    yield ["world", "difficulty", *kinds, "all"]
    for world, facts in worlds.items():
        for difficulty, some in facts["counts"].items():
            numbers = [some.get(kind, 0) for kind in kinds]
            yield [world, difficulty, *(f"{number:,}" for number in (*numbers, sum(numbers)))]


def _forms(worlds: dict[str, Any]) -> Rows:
    modes = sorted({mode for facts in worlds.values() for mode in facts["modes"]})
    wordings = sorted({wording for facts in worlds.values() for wording in facts["wordings"]})
    yield ["world", "samples", "scenes", *modes, *wordings, "pictures", "noisy"]
    for world, facts in worlds.items():
        shown, noisy = facts["pictures"]["samples"], facts["pictures"]["noisy"]
        shares = [facts["modes"].get(mode, 0) for mode in modes] + [facts["wordings"].get(name, 0) for name in wordings]
        cells = [_share(number, facts["samples"]) for number in shares]
        stated = shown - facts["not_stated"].get("noise", 0)
        numbers = [f"{facts['samples']:,}", f"{facts['scenes']:,}"]
        yield [world, *numbers, *cells, f"{shown:,}", _share(noisy, stated)]


def _lengths(worlds: dict[str, Any]) -> Rows:
    yield ["world", *LENGTHS, "told longer than drawn"]
    for world, facts in worlds.items():
        if found := facts.get("lengths"):
            yield [world, *(f"{found.get(name, 0):,}" for name in (*LENGTHS, "told longer"))]


def _answers(worlds: dict[str, Any]) -> Rows:
    yield ["world", "kind", "samples", "different", "share", "most frequent"]
    for world, facts in worlds.items():
        for kind, found in facts["answers"].items():
            answer, number = found["most"][0]
            numbers = [f"{found['samples']:,}", f"{found['different']:,}", _share(number, found["samples"])]
            yield [world, kind, *numbers, shortened(answer)]


def _tokens(worlds: dict[str, Any]) -> Rows:
    parts = list(next(iter(worlds.values()))["tokens"])
    yield ["world", *parts]
    for world, facts in worlds.items():
        found = [facts["tokens"][part] for part in parts]
        yield [world, *(f"{one['median']:g} / {one['p90']:g} / {one['max']:g}" for one in found)]


def _measures(worlds: dict[str, Any]) -> Rows:
    difficulties = in_order({d for facts in worlds.values() for d in facts["counts"]})
    yield ["world", "measure", *difficulties]
    for world, facts in worlds.items():
        for name, found in facts["measures"].items():
            yield [world, name, *(_middle(found.get(difficulty, {})) for difficulty in difficulties)]


def _middle(histogram: dict[str, int]) -> str:
    """Least, median and greatest value of a histogram."""
    values = [int(value) for value, number in histogram.items() for _ in range(number)]
    return f"{min(values)} / {median(values):g} / {max(values)}" if values else "-"


def _actions(worlds: dict[str, Any]) -> Rows:
    yield ["world", "actions", "most frequent", "least frequent"]
    for world, facts in worlds.items():
        ranked = sorted(facts["actions"].items(), key=lambda item: (-item[1], item[0]))
        total = sum(facts["actions"].values())
        if ranked:
            ends = [f"{action} {_share(number, total)}" for action, number in (ranked[0], ranked[-1])]
            yield [world, f"{len(ranked)} of {total:,}", *ends]


def _not_stated(worlds: dict[str, Any]) -> Rows:
    yield ["world", "key", "samples"]
    for world, facts in worlds.items():
        for key, number in facts["not_stated"].items():
            yield [world, key, f"{number:,}"]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _aligned(rows: list[list[str]]) -> str:
    """Rows in columns: words to the left, what begins with a digit or a dash to the right."""
    columns = list(zip(*rows, strict=True))
    padded = []
    for column in columns:
        width = max(map(len, column))
        numbers = all(cell[:1].isdigit() or cell == "-" for cell in column[1:])
        padded.append([cell.rjust(width) if numbers else cell.ljust(width) for cell in column])
    return "\n".join("  ".join(row).rstrip() for row in zip(*padded, strict=True))
