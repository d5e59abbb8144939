"""What has to learn before pictures are read? Killed at any moment, the same command goes on.

python -m bench.seeing [--recipe bench/seeing/full.yaml] [--plan | --report | --page] [key=value ...]
"""

from __future__ import annotations

from bench.study._command import study_command
from bench.study._page import write_page

from ._recipe import HERE, ROOT, SeeingRecipe
from ._report import report
from ._run import run_study


def main() -> None:
    study_command(
        "bench.seeing",
        __doc__,
        HERE / "full.yaml",
        SeeingRecipe,
        run_study,
        report,
        lambda told, recipe: write_page(ROOT / "docs/seeing-study.md", told),
    )


if __name__ == "__main__":
    main()
