"""What the commands of all studies share: a recipe with changes, `--plan`, `--report`, `--page`, and an end in good order."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from idf.cli.command import run_command
from idf.recipe import read_recipe

T = TypeVar("T")
Only = Any
"""argparse's group of options of which one at most may be given; it has no public name."""


def study_parser(name: str, doc: str | None, default: Path) -> tuple[argparse.ArgumentParser, Only]:
    """The options that every study has.

    Args:
        name: The study's package, such as "bench.rl".
        doc: The docstring of its command; the first line is shown.
        default: Its recipe.

    Returns:
        The parser, and the group to add a choice beside `--plan` and `--report` to.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=(doc or "").splitlines()[0])
    parser.add_argument("--recipe", type=Path, default=default, help="YAML recipe (default: %(default)s)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--plan", action="store_true", help="make the data and fix the plan; no run")
    only.add_argument("--report", action="store_true", help="print the tables of what is there; no run")
    only.add_argument(
        "--page", action="store_true", help="write them, and the figure, into the page of the docs; no run"
    )
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. work=DIR")
    return parser, only


def run_parser(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], None]) -> None:
    """Run a study's command; SIGTERM ends it as Ctrl-C does, and what it runs with it."""
    parser.set_defaults(run=run)
    signal.signal(signal.SIGTERM, _interrupt)
    run_command(lambda: parser, parser.prog, None)


def study_command(
    name: str,
    doc: str | None,
    default: Path,
    kind: type[T],
    run_study: Callable[..., None],
    report: Callable[[T], str],
    write: Callable[[str, T], None],
) -> None:
    """The whole command of a study that has these options alone.

    Args:
        name: The study's package, such as "bench.rl".
        doc: The docstring of its command.
        default: Its recipe.
        kind: The type of the recipe.
        run_study: Takes the recipe, `plan_only` and `say`.
        report: Gives the tables of what is there.
        write: Takes the tables and the recipe, and writes the page of the docs.
    """

    def run(arguments: argparse.Namespace) -> None:
        recipe = read_recipe(kind, arguments.recipe, arguments.overrides)
        if arguments.report:
            print(report(recipe))
        elif arguments.page:
            write(report(recipe), recipe)
        else:
            run_study(recipe, plan_only=arguments.plan, say=partial(print, flush=True))

    run_parser(study_parser(name, doc, default)[0], run)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
