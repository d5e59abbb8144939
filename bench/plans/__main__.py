"""Do traces that search teach plans better than optimal ones? Killed at any moment, the same command goes on.

python -m bench.plans [--recipe bench/plans/full.yaml] [--plan | --report | --page] [key=value ...]
"""

from __future__ import annotations

from pathlib import Path

from bench.study._command import study_command
from bench.study._page import write_page

from ._recipe import HERE, ROOT, PlansRecipe
from ._report import report
from ._run import run_plans


def main() -> None:
    study_command(
        "bench.plans",
        __doc__,
        HERE / "full.yaml",
        PlansRecipe,
        run_plans,
        lambda recipe: report(Path(recipe.results), recipe.seeds),
        lambda told, recipe: write_page(ROOT / "docs/plans.md", told),
    )


if __name__ == "__main__":
    main()
