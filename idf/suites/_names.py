"""How a suite is named: `spatialite:` stands before whatever is of the published benchmark."""

from __future__ import annotations

from pathlib import Path

from ._spatialite import MAIN_FILES

PREFIX = "spatialite:"


def suite_name(text: str) -> str:
    """The name of a suite as results say it: the folder of a clone gets the prefix `spatialite:`, if it was left out.

    A folder is a clone if it, or a folder up to two levels below, holds each of the five main files, and no suite of
    `idf suite`. `DIR:FILE` and `DIR:all` are understood where DIR is a clone and no file or folder has the whole name.

    Args:
        text: `spatialite:DIR`, `spatialite:DIR:FILE`, the same without the prefix, or the folder of a generated suite.

    Returns:
        The name with the prefix for all that is published; any other text as it is.
    """
    if text.startswith(PREFIX) or not text:
        return text
    folder, _, file = text.partition(":")
    if Path(text).exists():
        return PREFIX + text if ":" not in text and _is_clone(Path(text)) else text
    return PREFIX + text if file and _is_clone(Path(folder)) else text


def _is_clone(folder: Path) -> bool:
    if not folder.is_dir() or (folder / "items.jsonl").exists():
        return False
    levels = ("", "*/", "*/*/")  # not deeper: a wrong name, such as that of a home, must not be searched for long
    return all(any(next(folder.glob(level + name), None) for level in levels) for name in MAIN_FILES)
