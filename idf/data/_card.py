"""The dataset card: a README.md with the header that the Hugging Face Hub reads."""

from __future__ import annotations

from typing import Any

import yaml

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_OVERLAPS = ("exact", "canonical", "skeleton")
_STAGES = {
    "imagery": ("idf imagery", "Imagery samples: simulations that spell out every state in between (stage 1)."),
    "candidate traces": ("idf traces", "Candidate traces: worked problems, not yet filtered."),
    "traces": ("idf filter", "Traces: worked problems that replay to the right answer (stage 2)."),
    "mixture": ("idf mix", "Several datasets as one, for training on them in one stage."),
}


def card(manifest: dict[str, Any]) -> str:
    """The card of a dataset.

    Args:
        manifest: What `dataset.json` says.
    """
    total = manifest["samples"]
    command, what = _STAGES.get(manifest.get("stage", ""), ("idf", "Conversations about simulated worlds."))
    header = {
        "license": "apache-2.0",
        "language": ["en"],
        "pretty_name": f"IDF {manifest.get('stage', 'samples')}",
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "tags": ["spatial-reasoning", "synthetic", "mental-imagery", "vision-language"],
        "size_categories": [next((name for most, name in _SIZES if total < most), "1M<n<10M")],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "train-*.parquet"}]}],
    }
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---",
        f"# {header['pretty_name']}: {total:,} samples",
        f"{what} Made by `{command}` of idf {manifest['versions']['idf']}, an implementation of the Imagery-Driven "
        "Framework of *Imagine in Space* (arXiv 2511.13782). Pictures and texts come from simulators; no picture and no "
        "text of the benchmark SpatiaLite is in here.",
        "## What it holds\n\n" + _counts(manifest["counts"]),
        "## Overlap with the published benchmark\n\n" + _overlap(manifest),
        *_proofs(manifest),
        "## Shortcuts\n\nShare of samples that are answered right without imagining anything (`text only` and `last "
        "action` are tables filled from every other sample and asked about the rest; `chance`, where it stands, is what "
        "guessing among the answers that a question allows would get):\n\n" + _shortcuts(manifest["shortcuts"]),
        "## How to make it again\n\nThe recipe, seed, versions and the sha256 of every shard are in `dataset.json`; the "
        "same versions give the same bytes, whatever the number of workers.\n\n"
        f"```yaml\n{yaml.safe_dump(manifest.get('recipe') or {}, sort_keys=False)}```",
        "## Licence\n\nApache-2.0, as idf itself. The drawings are idf's own, in the style of the benchmark.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(header: list[str], rows: list[list[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "| --- " * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def _counts(counts: dict[str, dict[str, dict[str, int]]]) -> str:
    kinds = sorted({kind for by_kind in counts.values() for some in by_kind.values() for kind in some})
    rows = [
        [world, difficulty, *(some.get(kind, 0) for kind in kinds)]
        for world, by_difficulty in counts.items()
        for difficulty, some in by_difficulty.items()
    ]
    return _table(["world", "difficulty", *kinds], rows)


def _overlap(manifest: dict[str, Any]) -> str:
    """The counts of equal scenes, and what they are counted against."""
    choice, files = manifest.get("choice"), (manifest.get("published") or {}).get("files", {})
    if choice is None:
        return "Not measured here: see the dataset that this one was made from (`source` in `dataset.json`)."
    rows = [
        [world, *(found.get(f"overlap_{level}", 0) for level in _OVERLAPS), found.get("published_avoided", "-")]
        for world, found in sorted(choice.items())
    ]
    against = ", ".join(f"{name} ({rows})" for name, rows in files.items())
    return (
        "Samples whose scene equals that of a published item: to the letter (exact), up to the symmetries of its world "
        "(canonical), or in shape alone, without colours and labels (skeleton); and how many published scenes were drawn "
        "and put back.\n\n"
        + _table(["world", *_OVERLAPS, "put back"], rows)
        + f"\n\nCompared with {against or 'nothing'}."
    )


_PROOFS = {
    "process": "claim every step, and all that they claim is true",
    "consistent": "claim nothing false, and some of their work replays",
    "nothing": "claim nothing on the way: only their answer is known to be right",
    "false": "claim something false on the way to a right answer",
}


def _proofs(manifest: dict[str, Any]) -> list[str]:
    """How much of their way filtered traces prove; nothing for other datasets."""
    funnel = manifest.get("funnel")
    if manifest.get("stage") != "traces" or not funnel or "proofs" not in funnel:
        return []
    rows: list[list[object]] = [[f"{funnel['proofs'].get(proof, 0):,}", said] for proof, said in _PROOFS.items()]
    level = (manifest.get("recipe") or {}).get("level", "process")
    return [f"## What the traces prove\n\nFiltered at the level `{level}`.\n\n" + _table(["traces", "that"], rows)]


def _shortcuts(shortcuts: dict[str, dict[str, dict[str, Any]]]) -> str:
    every = [shares for kinds in shortcuts.values() for shares in kinds.values()]
    names = list(dict.fromkeys(name for shares in every for name in shares if name != "n"))
    names.sort(key=lambda name: name != "chance")  # which not every kind has
    rows: list[list[object]] = []
    for world, kinds in shortcuts.items():
        for kind, shares in kinds.items():
            said = (shares.get(name) for name in names)
            rows.append([world, kind, shares["n"], *("-" if share is None else f"{share:.1%}" for share in said)])
    return _table(["world", "kind", "n", *names], rows) if rows else "Not measured: the samples name no answers."
