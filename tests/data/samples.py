"""Small samples that need no world, and a few real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from idf.data import DatasetFolder, Sample, conversation
from idf.drawing import decode_png, encode_png
from idf.imagery import ImageryRecipe

PIXELS = 12_544
# Hard rooms of Moving Box take seconds to find: left out.
MIXED = ImageryRecipe(samples=40, seed=3, difficulties={"easy": 2.0, "medium": 1.0, "hard": 0.0}, max_pixels=PIXELS)
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


def seen(folder: DatasetFolder) -> list[Any]:
    """All that a dataset says, in order, with decoded pictures in the place of files."""
    return [
        (s.id, s.world, s.difficulty, s.kind, s.messages, s.meta, [decode_png(image).tolist() for image in s.images])
        for s in folder.samples()
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
