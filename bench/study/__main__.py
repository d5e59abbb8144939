"""Does imagining first pay? The miniature study, from data to tables; killed at any moment, the same command goes on.

python -m bench.study [--recipe bench/study/recipes/full.yaml] [--quick] [--plan | --so-far] [--add] [key=value ...]
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from idf.recipe import read_recipe

from . import StudyRecipe, report_so_far, run_study
from ._command import run_parser

RECIPES = {False: Path("bench/study/recipes/full.yaml"), True: Path("bench/study/recipes/quick.yaml")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.study", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipe", type=Path, help=f"YAML recipe (default: {RECIPES[False]})")
    parser.add_argument("--quick", action="store_true", help=f"the machinery alone, by {RECIPES[True]}; no claim")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--plan", action="store_true", help="make the data, fix the plan, say how long it takes; no run")
    only.add_argument(
        "--so-far", action="store_true", help="write and print the results of the seeds that are whole; no run"
    )
    parser.add_argument(
        "--add", action="store_true", help="leave out the seeds whose results are there, and add the others' to them"
    )
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. work=DIR")
    run_parser(parser, _run)


def _run(arguments: argparse.Namespace) -> None:
    path = arguments.recipe or RECIPES[arguments.quick]
    recipe = read_recipe(StudyRecipe, path, arguments.overrides)
    say = partial(print, flush=True)
    if arguments.so_far:
        report_so_far(recipe, add=arguments.add, say=say)
    else:
        run_study(recipe, plan_only=arguments.plan, add=arguments.add, say=say)


if __name__ == "__main__":
    main()
