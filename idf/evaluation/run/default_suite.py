"""The suite that is generated where none is named: made in one piece, and found again."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from idf.errors import UserError
from idf.files import read_text
from idf.recipe import to_plain
from idf.suites import SuiteRecipe, generate_suite


def generate_whole(recipe: SuiteRecipe, made: Path) -> None:
    """Make a suite in one piece: workers that begin together must not write into each other's pictures."""
    made.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{made.name}-", dir=made.parent) as making:
        generate_suite(recipe, Path(making) / made.name)
        try:
            (Path(making) / made.name).rename(made)
        except OSError:  # another worker was faster; or a kill left half a suite there, before suites came in one piece
            if not (made / "suite.json").exists():
                raise UserError(f"{made} is in the way and holds no suite: remove it") from None


def recipe_in(path: Path) -> Any:
    """The recipe in a suite's manifest; what an earlier version could not say has its default.

    Raises:
        UserError: It holds none.
    """
    try:
        return to_plain(SuiteRecipe()) | json.loads(read_text(path))["recipe"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} holds no recipe of a suite: remove {path.parent}") from None
