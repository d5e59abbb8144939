"""Does imagining first pay for a model that can read already? Killed at any moment, the same command goes on.

python -m bench.pretrained [--recipe FILE] [--pilot | --plan | --report | --page] [--hours H] [key=value ...]
"""

from __future__ import annotations

import argparse
from functools import partial

from bench.study._command import run_parser, study_parser
from bench.study._page import write_page
from idf.recipe import read_recipe

from ._recipe import HERE, ROOT, PretrainedRecipe
from ._report import figure, learned, report
from ._run import run_study

PAGE, FIGURE = ROOT / "docs/pretrained-study.md", ROOT / "docs/pretrained/headline.png"


def main() -> None:
    parser, only = study_parser("bench.pretrained", __doc__, HERE / "full.yaml")
    only.add_argument("--pilot", action="store_true", help="one arm with the pilot's seed, before the plan is fixed")
    parser.add_argument("--hours", type=float, help="begin no arm that would not end within so many hours")
    run_parser(parser, _run)


def _run(arguments: argparse.Namespace) -> None:
    recipe = read_recipe(PretrainedRecipe, arguments.recipe, arguments.overrides)
    if arguments.report:
        print(report(recipe))
    elif arguments.page:
        shown = "right steps by updates on imagery" if learned(recipe) is False else "accuracy by the rolls of a path"
        write_page(PAGE, report(recipe), FIGURE, figure(recipe), shown)
    else:
        choice = {"plan_only": arguments.plan, "pilot": arguments.pilot, "hours": arguments.hours}
        run_study(recipe, **choice, say=partial(print, flush=True))


if __name__ == "__main__":
    main()
