"""What does reinforcement teach? Killed at any moment, the same command goes on.

python -m bench.rl [--recipe bench/rl/full.yaml] [--plan | --report | --page] [key=value ...]
"""

from __future__ import annotations

from bench.study._command import study_command
from bench.study._page import write_page

from ._recipe import HERE, ROOT, RlRecipe
from ._report import front, report
from ._run import run_study


def main() -> None:
    study_command("bench.rl", __doc__, HERE / "full.yaml", RlRecipe, run_study, report, _write)


def _write(told: str, recipe: RlRecipe) -> None:
    picture = ROOT / "docs/rl/front.png"
    write_page(ROOT / "docs/rl-study.md", told, picture, front(recipe), "accuracy against tokens for a right answer")


if __name__ == "__main__":
    main()
