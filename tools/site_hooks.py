"""What MkDocs needs to build pages that are written to be read on GitHub; mkdocs.yml names this file."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

_FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_NESTED = re.compile(r"^  (?=[-*] )", re.MULTILINE)
_LIST_AFTER_TEXT = re.compile(r"^(?![-*|#>]|\d+\. |\s)(.+)\n(?=(?:[-*]|1\.) )", re.MULTILINE)


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """A page in the form that Python-Markdown reads, with its links out of docs/ turned.

    Args:
        markdown: The page's text.
        page: The page.
        config: The site's configuration; with `extra.repository`, links out of docs/ lead to that repository.
        files: All files of docs/.

    Raises:
        FileNotFoundError: A link out of docs/ leads to no file of the repository.
    """
    folder = posixpath.dirname(page.file.src_uri)
    parts = _FENCE.split(markdown)
    return "".join(
        part if part.startswith("```") else _adapted(part, folder, config["extra"]["repository"]) for part in parts
    )


def _adapted(text: str, folder: str, repository: str | None) -> str:
    text = _NESTED.sub("    ", text)  # Python-Markdown nests by four spaces
    text = _LIST_AFTER_TEXT.sub(r"\1\n\n", text)  # and wants an empty line before a list
    return _LINK.sub(lambda link: _turned(link, folder, repository), text)


def _turned(link: re.Match[str], folder: str, repository: str | None) -> str:
    """A link to a file that is not on the site: to the repository, or its path in words if none is named."""
    words, target = link.groups()
    path = posixpath.normpath(posixpath.join("docs", folder, target.partition("#")[0]))
    if "://" in target or target.startswith("#") or path.startswith("docs/"):
        return link[0]
    if not (ROOT / path).exists():
        raise FileNotFoundError(f"docs/{folder}: a link to {target}, which is not in the repository")
    if repository:
        return f"[{words}]({repository.rstrip('/')}/blob/HEAD/{path})"
    return words if path in words else f"{words} (`{path}`)"
