"""Reading text: files that come with the package, and files of the user."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from idf.errors import UserError


def package_text(path: str) -> str:
    """The text of a file below the package folder, for example "training/chat_template.jinja"."""
    return files("idf").joinpath(path).read_text(encoding="utf-8")


def read_text(path: Path) -> str:
    """The text of a user's file, without the byte-order mark that some editors put before it.

    Raises:
        UserError: It is missing, a folder, or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: not UTF-8 text") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def read_lines(path: Path) -> list[str]:
    """The lines of a user's file, split at line feeds alone: JSON texts may hold other line separators.

    Raises:
        UserError: As `read_text`.
    """
    text = read_text(path)
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]
