"""Does imagining first pay for a model that can read already? Killed at any moment, the same command goes on.

python -m bench.pretrained [--recipe FILE] [--pilot | --plan | --report | --page] [--hours H] [key=value ...]
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from bench.study._command import run_parser, study_parser
from idf.recipe import read_recipe

from ._recipe import HERE, ROOT, PretrainedRecipe
from ._report import figure, report
from ._run import run_study

PAGE, FIGURE = ROOT / "docs/pretrained-study.md", ROOT / "docs/pretrained/headline.png"
BEGIN, END = "<!-- results -->", "<!-- end -->"


def main() -> None:
    parser, only = study_parser("bench.pretrained", __doc__, HERE / "full.yaml")
    only.add_argument("--pilot", action="store_true", help="one arm with the pilot's seed, before the plan is fixed")
    only.add_argument("--page", action="store_true", help=f"write them, and the figure, into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--hours", type=float, help="begin no arm that would not end within so many hours")
    run_parser(parser, _run)


def _run(arguments: argparse.Namespace) -> None:
    recipe = read_recipe(PretrainedRecipe, arguments.recipe, arguments.overrides)
    if arguments.report:
        print(report(recipe))
    elif arguments.page:
        write_page(recipe, PAGE, FIGURE)
    else:
        choice = {"plan_only": arguments.plan, "pilot": arguments.pilot, "hours": arguments.hours}
        run_study(recipe, **choice, say=partial(print, flush=True))


def write_page(recipe: PretrainedRecipe, page: Path, picture: Path) -> None:
    """Put the tables between the marks of a page, and draw the figure that they stand beside."""
    before, _, rest = page.read_text().partition(BEGIN)
    shown = f"![accuracy by the rolls of a path]({picture.parent.name}/{picture.name})\n\n{report(recipe)}"
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure(recipe).savefig(picture, dpi=150, metadata={"Software": None})
    page.write_text(f"{before}{BEGIN}\n{shown}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
