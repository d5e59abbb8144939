"""Does a loop that chooses its problems learn more than one that draws them uniformly?

Killed at any moment, the same command resumes.

python -m bench.loop [--recipe bench/loop/full.yaml] [--plan | --report | --page] [key=value ...]
"""

from __future__ import annotations

from pathlib import Path

from bench.study._command import study_command
from bench.study._page import write_page

from ._recipe import HERE, ROOT, LoopStudyRecipe
from ._report import report
from ._run import run_study


def main() -> None:
    study_command(
        "bench.loop",
        __doc__,
        HERE / "full.yaml",
        LoopStudyRecipe,
        run_study,
        lambda recipe: report(Path(recipe.results), recipe.seeds),
        lambda told, recipe: write_page(ROOT / "docs/loop-study.md", told),
    )


if __name__ == "__main__":
    main()
