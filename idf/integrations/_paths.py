"""Where the files lie that another program, or a person, has to be pointed to."""

from __future__ import annotations

from pathlib import Path

from idf.recipe import shipped_recipes

_FOLDERS = {"lmms-eval": Path(__file__).parent / "lmms_eval/tasks", "recipes": shipped_recipes()}

PATHS = tuple(_FOLDERS)
"""What `idf paths` knows."""


def adapter_path(name: str) -> Path:
    """A folder: for `lmms-eval`, what its option `--include_path` wants; for `recipes`, those that come with idf."""
    return _FOLDERS[name]
