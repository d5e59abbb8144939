"""Files that come with the package."""

from __future__ import annotations

from importlib.resources import files


def package_text(path: str) -> str:
    """The text of a file below the package folder, for example "training/chat_template.jinja"."""
    return files("idf").joinpath(path).read_text(encoding="utf-8")
