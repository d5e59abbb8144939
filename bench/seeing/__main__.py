"""What has to learn before pictures are read? Killed at any moment, the same command goes on.

python -m bench.seeing [--recipe bench/seeing/full.yaml] [--plan | --report] [key=value ...]
"""

from __future__ import annotations

import argparse
import signal
from functools import partial
from pathlib import Path

from idf.cli.main import run_command
from idf.recipe import read_recipe

from ._recipe import HERE, SeeingRecipe
from ._report import report
from ._run import run_study


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.seeing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipe", type=Path, default=HERE / "full.yaml", help="YAML recipe (default: %(default)s)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--plan", action="store_true", help="make the data and fix the plan; no run")
    only.add_argument("--report", action="store_true", help="print the tables of what is there; no run")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. work=DIR")
    parser.set_defaults(run=_run)
    signal.signal(signal.SIGTERM, _interrupt)
    run_command(lambda: parser, parser.prog, None)


def _run(arguments: argparse.Namespace) -> None:
    recipe = read_recipe(SeeingRecipe, arguments.recipe, arguments.overrides)
    if arguments.report:
        print(report(recipe))
    else:
        run_study(recipe, plan_only=arguments.plan, say=partial(print, flush=True))


def _interrupt(number: int, frame: object) -> None:
    """End as Ctrl-C does: what runs is ended in good order."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
