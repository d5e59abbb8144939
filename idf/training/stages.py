"""The three stages by name: their launch scripts, their recipes, and the command line of each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from idf.arguments import Parser, parse_arguments
from idf.errors import UserError
from idf.recipe import read_recipe

from .recipe import StageRecipe, TrainingRecipe
from .stage3_recipe import Stage3Recipe

SCRIPTS = {"imagery": "launch/stage1.py", "reasoning": "launch/stage2.py", "reinforcement": "launch/stage3.py"}
AnyStage = StageRecipe | Stage3Recipe
KINDS: Mapping[str, type[AnyStage]] = {
    "imagery": StageRecipe,
    "reasoning": StageRecipe,
    "reinforcement": Stage3Recipe,
}

R = TypeVar("R", bound=TrainingRecipe)


class _AnyRecipe(TrainingRecipe):
    """A recipe of the stage that its own key names."""

    @classmethod
    def variant(cls, keys: Mapping[str, Any]) -> type[TrainingRecipe]:
        """As `read_recipe` asks."""
        return KINDS.get(str(keys.get("stage")), StageRecipe)


def read_stage_recipe(path: Path | str | None, overrides: Sequence[str] = ()) -> AnyStage:
    """Read the recipe of any stage.

    Args:
        path: As for `read_recipe`.
        overrides: As for `read_recipe`.

    Raises:
        UserError: As `read_recipe`.
    """
    recipe: Any = read_recipe(_AnyRecipe, path, overrides)
    assert isinstance(recipe, (StageRecipe, Stage3Recipe))
    return recipe


def read_supervised(path: Path | str | None, overrides: Sequence[str], what: str) -> StageRecipe:
    """Read the recipe of stage 1 or 2.

    Args:
        path: As for `read_recipe`.
        overrides: As for `read_recipe`.
        what: What it is read for, for the message.

    Raises:
        UserError: As `read_recipe`, or it is of stage 3.
    """
    recipe = read_stage_recipe(path, overrides)
    if not isinstance(recipe, StageRecipe):
        raise UserError(f"{path} is a recipe of stage {recipe.stage!r}, and {what} takes those of stages 1 and 2")
    return recipe


@dataclass(frozen=True)
class StageArguments(Generic[R]):
    """What a launch script was called with."""

    recipe: R
    recipe_path: Path
    dry_run: bool


def read_arguments(
    description: str | None,
    default: str,
    stage: str,
    kind: type[R] = StageRecipe,  # type: ignore[assignment]
) -> StageArguments[R]:
    """Parse the command line of a launch script: `--recipe F`, `--dry-run`, and `key=value` overrides.

    Args:
        description: What the script does, for `--help`.
        default: The recipe that is read where none is named.
        stage: The stage that the script is for.
        kind: What its recipe is read into.

    Raises:
        UserError: The recipe is wrong, or of another stage.
    """
    parser = Parser(description=description, allow_abbrev=False)
    parser.add_argument("--recipe", type=Path, default=Path(default), help="YAML recipe (default: %(default)s)")
    parser.add_argument(
        "--dry-run", action="store_true", help="check recipe and data, count parameters and steps, train nothing"
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. learning_rate=5e-6"
    )
    parser.set_defaults(others_names=kind.others_names)
    arguments = parse_arguments(parser, sys.argv[1:])
    recipe = read_stage_recipe(arguments.recipe, arguments.overrides)
    if recipe.stage != stage or not isinstance(recipe, kind):
        raise UserError(
            f"{arguments.recipe} is a recipe of stage {recipe.stage!r}: run it with {SCRIPTS[recipe.stage]}"
        )
    return StageArguments(recipe, arguments.recipe, arguments.dry_run)
