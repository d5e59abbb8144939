"""What does reinforcement teach? Killed at any moment, the same command goes on.

python -m bench.rl [--recipe bench/rl/full.yaml] [--plan | --report] [key=value ...]
"""

from __future__ import annotations

from bench.study._command import study_command

from ._recipe import HERE, RlRecipe
from ._report import report
from ._run import run_study


def main() -> None:
    study_command("bench.rl", __doc__, HERE / "full.yaml", RlRecipe, run_study, report)


if __name__ == "__main__":
    main()
