"""Small samples that need no world, and a few real ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from idf.data import DatasetFolder, Draft, Row, Sample, Slot, conversation
from idf.drawing import decode_png, encode_png
from idf.imagery import ImageryRecipe

PIXELS = 12_544
MIXED = ImageryRecipe(samples=60, seed=3, difficulties={"easy": 2.0, "medium": 1.0, "hard": 1.0}, max_pixels=PIXELS)
ROLLS = ImageryRecipe(samples=12, seed=3, worlds={"cube_rolling": 1.0}, difficulties={"easy": 1.0}, max_pixels=3136)


def picture(number: int) -> np.ndarray:
    return np.full((56, 56, 3), number % 256, np.uint8)


def plain(number: int, pictures: int = 1, **changes: Any) -> Sample:
    """Sample number `number`, with a picture of that shade."""
    return Sample(
        **{
            "id": f"plain:{number}",
            "world": "cube_rolling",
            "difficulty": ("easy", "medium", "hard")[number % 3],
            "kind": "rollout",
            "images": [encode_png(picture(number)) for _ in range(pictures)],
            "messages": conversation(f"question {number} \N{SNOWMAN}", f"Answer: {number}", with_picture=pictures > 0),
            "meta": {"key": str(number), "actions": ["right", "front"], "note": "\N{SNOWMAN}"},
        }
        | changes
    )


@dataclass(frozen=True)
class Numbered:
    """Makes sample number `index` of a slot from its number alone.

    Attributes:
        every: So many indices in a row are the same sample.
        kinds: So many different samples there are; None for any number.
        unsuitable: Indices of which nothing can be made.
        avoided: Scenes put back on the way to each draft.
        overlaps: What each draft overlaps.
        world_in_key: Whether the same number in another world is another sample.
    """

    every: int = 1
    kinds: int | None = None
    unsuitable: frozenset[int] = frozenset()
    avoided: int = 0
    overlaps: tuple[str, ...] = ()
    world_in_key: bool = True

    def draft(self, slot: Slot, index: int) -> Draft:
        if index in self.unsuitable:
            return Draft(None, avoided=self.avoided)
        number = index // self.every
        number = number if self.kinds is None else number % self.kinds
        key = f"{slot.world if self.world_in_key else ''} {number}"
        return Draft(key, scene="", attempt=index, avoided=self.avoided, overlaps=self.overlaps)

    def make(self, row: Row) -> Sample:
        name = f"{row.slot.world}:{row.index}" + (f":{row.copy}" if row.copy else "")
        slot = {"world": row.slot.world, "difficulty": row.slot.difficulty, "kind": row.slot.kind}
        return plain(row.index, pictures=0, id=name, meta={"key": row.draft.key}, **slot)


def seen(folder: DatasetFolder) -> list[Any]:
    """All that a dataset says, in order, with decoded pictures in the place of files."""
    return [
        (s.id, s.world, s.difficulty, s.kind, s.messages, s.meta, [decode_png(image).tolist() for image in s.images])
        for s in folder.samples()
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def different_files(one: Path, other: Path) -> dict[str, str]:
    """The names of the files that differ between two dataset folders, and in what; small, so that a failure can be read."""
    ours, theirs = files_of(one), files_of(other)
    found = {}
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            found[name] = f"only in {one if name in ours else other}"
        elif ours[name] != theirs[name]:
            found[name] = "other bytes"
            if name.endswith(".parquet"):
                rows = [pq.read_table(folder / name).to_pylist() for folder in (one, other)]
                for a, b in zip(*rows):
                    if a != b:
                        keys = [key for key in a if a[key] != b[key]]
                        same = [decode_png(x["bytes"]).tobytes() for x in a["images"]] == [
                            decode_png(x["bytes"]).tobytes() for x in b["images"]
                        ]
                        found[name] = f"{a['id']}: other {', '.join(keys)}; {'the same' if same else 'other'} pixels"
                        break
    return found
