"""Shortcut baselines: how much of a dataset can be answered without imagining anything.

A model that scores no better than these has learned a shortcut. Each is measured on the dataset itself: the tables are
filled from one half of the samples and asked about the other.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

SHORTCUTS = {
    "majority": "the most frequent answer",
    "initial": "the answer read off the start state",
    "text only": "the most frequent answer to a question with these words, without state and actions",
    "last action": "the most frequent answer to such a question after such a last action",
}
"""Name -> what is answered."""


_NEEDED = ("answer", "initial", "question", "actions", "choices")


def measure_shortcuts(shards: Iterable[Path]) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """The share of right answers of each shortcut.

    Args:
        shards: Parquet files of the dataset; their pictures are not read.

    Returns:
        World -> kind -> {"n": samples, each name of SHORTCUTS: share of right answers, None where it has no answer}; of a kind
        whose questions allow so many answers ("choices" of `meta`) also "chance": what guessing among them gets.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for shard in shards:
        for row in pq.read_table(shard, columns=["world", "kind", "meta"]).to_pylist():
            meta = json.loads(row["meta"])  # of which little is kept: there may be millions
            groups[row["world"], row["kind"]].append({name: meta[name] for name in _NEEDED if name in meta})
    found: dict[str, dict[str, dict[str, float | int | None]]] = {}
    for (world, kind), metas in sorted(groups.items()):
        if all("answer" in meta for meta in metas):
            found.setdefault(world, {})[kind] = {"n": len(metas), **_shares(metas)}
    return found


def _shares(metas: list[dict[str, Any]]) -> dict[str, float | None]:
    started = [meta for meta in metas if meta.get("initial") is not None]
    same = sum(meta["initial"] == meta["answer"] for meta in started)
    allowed = [meta["choices"] for meta in metas if "choices" in meta]
    chance = {"chance": round(sum(1 / n for n in allowed) / len(allowed), 4)} if len(allowed) == len(metas) else {}
    return {
        **chance,
        "majority": _table_share(metas, lambda meta: ""),
        "initial": round(same / len(started), 4) if started else None,
        "text only": _table_share(metas, _question),
        "last action": _table_share(metas, lambda meta: (_question(meta), *meta.get("actions", [])[-1:])),
    }


def _question(meta: dict[str, Any]) -> str:
    return str(meta.get("question", ""))


def _table_share(metas: list[dict[str, Any]], feature: Callable[[dict[str, Any]], object]) -> float | None:
    """Right answers of a table from feature to its most frequent answer, filled from every other sample."""
    table: dict[object, Counter[str]] = defaultdict(Counter)
    overall: Counter[str] = Counter()
    for meta in metas[::2]:
        table[feature(meta)][meta["answer"]] += 1
        overall[meta["answer"]] += 1
    asked = metas[1::2]
    if not asked:
        return None
    right = sum(_most(table[feature(meta)] or overall) == meta["answer"] for meta in asked)
    return round(right / len(asked), 4)


def _most(counts: Counter[str]) -> str:
    """The most frequent answer; of equals the first in alphabetical order."""
    return min(counts, key=lambda answer: (-counts[answer], answer))
