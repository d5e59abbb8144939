"""`idf loop`: rounds of measuring, drawing, filtering, training."""

from __future__ import annotations

import argparse
from pathlib import Path

from idf.cli.command import AddCommand
from idf.extras import require


def add_commands(command: AddCommand) -> None:
    """The options: the recipe says all."""
    sub = command(
        "loop", "let a checkpoint choose its problems: rounds of measuring, drawing, filtering, training", _run
    )
    sub.add_argument("--recipe", type=Path, required=True, help="YAML recipe of a loop, e.g. idf:quickstart/loop.yaml")
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. draw=uniform")


def _run(arguments: argparse.Namespace) -> None:
    """Run or resume it."""
    require("idf loop", "train")
    from idf.loop import LoopRecipe, run_loop
    from idf.recipe import read_recipe

    recipe = read_recipe(LoopRecipe, arguments.recipe, arguments.overrides)
    run_loop(recipe)
    print(f"the rounds are in {recipe.out}, in short in {Path(recipe.out) / 'rounds.json'}")
