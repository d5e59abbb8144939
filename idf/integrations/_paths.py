"""Where the files of an adapter lie that another program has to be pointed to."""

from __future__ import annotations

from pathlib import Path

_FOLDERS = {"lmms-eval": "lmms_eval/tasks"}

PATHS = tuple(_FOLDERS)
"""What `idf paths` knows."""


def adapter_path(name: str) -> Path:
    """The folder of an adapter's files: for `lmms-eval`, what its option `--include_path` wants."""
    return Path(__file__).parent / _FOLDERS[name]
