"""What a loop remembers: JSON files that appear whole, so that a part which has one is never done again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import read_text

Facts = dict[str, Any]


def once(path: Path, make: Callable[[], Facts]) -> Facts:
    """What a file says; if there is none, it is made and written first.

    Args:
        path: The file.
        make: Makes what it is to say, as JSON values.

    Raises:
        UserError: The file is no JSON object; or whatever `make` raises.
    """
    if path.exists():
        return read_facts(path)
    write_facts(path, make())
    return read_facts(path)  # the same numbers whether it was just made or is read again


def read_facts(path: Path) -> Facts:
    """What a file says.

    Raises:
        UserError: It is no JSON object.
    """
    try:
        told = json.loads(read_text(path))
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}): remove it, and the loop makes it again") from None
    if not isinstance(told, dict):
        raise UserError(f"{path} must hold a JSON object: remove it, and the loop makes it again")
    return told


def write_facts(path: Path, facts: Facts) -> None:
    """Write a file under another name, force it to the disk, then give it its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(facts, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
