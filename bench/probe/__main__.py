"""What is a picture of the next state worth, beside its text, a blank, and nothing?

Killed at any moment, the same command resumes.

python -m bench.probe [--recipe bench/probe/full.yaml] [--plan | --report | --page] [key=value ...]
"""

from __future__ import annotations

from bench.study._command import study_command
from bench.study._page import write_page

from ._recipe import HERE, ROOT, ProbeRecipe
from ._report import report
from ._run import run_study


def main() -> None:
    study_command(
        "bench.probe",
        __doc__,
        HERE / "full.yaml",
        ProbeRecipe,
        run_study,
        report,
        lambda told, recipe: write_page(ROOT / "docs/probe-study.md", told),
    )


if __name__ == "__main__":
    main()
