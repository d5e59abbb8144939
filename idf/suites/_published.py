"""Which scenes the benchmark has published, as hashes: training data and generated suites keep clear of them.

The hashes in `published.json` come with the package, so that everybody's data is clean without having the benchmark.
`tools/make_published.py` makes them from a clone; a fuller clone than ours can be named in a recipe.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import package_text
from idf.worlds import WORLDS, Keys

from ._spatialite import MAIN_FILES, PublishedRow, published_files, read_published

LEVELS = ("exact", "canonical", "skeleton")
"""The levels of `idf.worlds.Keys`, from strict to loose."""

MAIN_ROWS = 1050
"""Rows of the five main files, as published at commit 9a613e8 of jameslian87v5/SpatialLite."""


@dataclass(frozen=True)
class Published:
    """Hashes of the scenes of published items.

    Attributes:
        files: File name -> number of its items.
        hashes: World -> level ("exact", "canonical", "skeleton", "states") -> hashes.
    """

    files: dict[str, int]
    hashes: dict[str, dict[str, frozenset[str]]]

    def has(self, world: str, keys: Keys, level: str) -> bool:
        """Whether a published item equals a scene at a level."""
        return _hash(world, level, getattr(keys, level)) in self.hashes.get(world, {}).get(level, ())

    def avoid(self, world: str, keys: Keys) -> bool:
        """Whether a scene is a published one at its world's `clean_level`, or passes a state that is out of bounds."""
        if self.has(world, keys, WORLDS[world].clean_level):
            return True
        states = self.hashes.get(world, {}).get("states", frozenset())
        return bool(states) and any(_hash(world, "states", state) in states for state in keys.states)

    def fingerprint(self) -> str:
        """One hash over all of it."""
        return sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """What `published.json` holds."""
        hashes = {w: {level: sorted(found) for level, found in levels.items()} for w, levels in self.hashes.items()}
        return {"files": self.files, "hashes": hashes}


@lru_cache(maxsize=4)
def published(clone: Path | None = None) -> Published:
    """The published items whose hashes come with idf, and those of a clone as well.

    Raises:
        UserError: The clone is missing, or a row of it cannot be read.
    """
    data = json.loads(package_text("suites/published.json"))
    shipped = {w: {level: frozenset(found) for level, found in levels.items()} for w, levels in data["hashes"].items()}
    if clone is None:
        return Published(data["files"], shipped)
    mine = hash_clone(clone)
    both = {
        world: {level: shipped.get(world, {}).get(level, frozenset()) | found for level, found in levels.items()}
        for world, levels in mine.hashes.items()
    }
    files = {name: max(mine.files.get(name, 0), data["files"].get(name, 0)) for name in {*mine.files, *data["files"]}}
    return Published(dict(sorted(files.items())), shipped | both)


def not_covered(clone: Path | None = None) -> str | None:
    """Which published items data may hold that keep clear of the shipped hashes, and of a clone's, in a sentence.

    Args:
        clone: The clone that is named; None if none is.

    Returns:
        None if all items of the five main files are covered.

    Raises:
        UserError: As `published`.
    """
    files = published(clone).files
    main = sum(files.get(name, 0) for name in MAIN_FILES)
    if main >= MAIN_ROWS:
        return None
    if clone is None:
        why, whose, which = "no clone of SpatiaLite is named", "whose hashes come with idf", "your clone"
    else:
        why, which = f"{clone} is not a whole clone of SpatiaLite", "a whole clone"
        whose = "that it holds or whose hashes come with idf"
    return (
        f"{why}, so these data keep clear of the {sum(files.values())} published rows alone {whose} ({main} of the "
        f"{MAIN_ROWS:,} items, and their variants): name {which} with spatialite=DIR to keep clear of all of them"
    )


def hash_clone(root: Path) -> Published:
    """The hashes of all items of all files in a clone of SpatiaLite.

    Raises:
        UserError: There is no file of SpatiaLite, or a row cannot be read.
    """
    files = published_files(root)
    if not files:
        raise UserError(f"no file of SpatiaLite below {root}: give a clone (it holds data/cube_rolling and so on)")
    rows = {path.name: read_published(path) for path in files}
    return hash_rows(rows)


def hash_rows(rows: dict[str, list[PublishedRow]]) -> Published:
    """The hashes of published rows, given by file name."""
    hashes: dict[str, dict[str, set[str]]] = {}
    for row in (row for some in rows.values() for row in some):
        world = WORLDS[row.problem.world]
        keys = world.keys(row.problem)
        levels = hashes.setdefault(world.name, {})
        for level in LEVELS:
            levels.setdefault(level, set()).add(_hash(world.name, level, getattr(keys, level)))
        if around := world.surroundings(row.problem):
            levels.setdefault("states", set()).update(_hash(world.name, "states", state) for state in around)
    frozen = {w: {level: frozenset(found) for level, found in sorted(hashes[w].items())} for w in sorted(hashes)}
    return Published({name: len(some) for name, some in sorted(rows.items())}, frozen)


def _hash(world: str, level: str, text: str) -> str:
    return blake2b(f"{world}|{level}|{text}".encode(), digest_size=8).hexdigest()
