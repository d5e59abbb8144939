"""`idf play`: a page on this machine, to try a world by hand or to answer a suite."""

from __future__ import annotations

import argparse
from pathlib import Path

from idf.cli.command import AddCommand
from idf.errors import UserError

_OF_SCENES = ("world", "difficulty", "seed", "index")
_OF_SUITES = ("mode", "limit", "prompts", "person")


def add_commands(command: AddCommand) -> None:
    """The options. Each has a default of its own where it is read: here None says that it was not given."""
    sub = command("play", "open a page on this machine: try a world by hand, or answer a suite as a person", _run)
    sub.add_argument("world", metavar="WORLD", nargs="?", help="the world to begin with (default: cube_rolling)")
    sub.add_argument("--difficulty", help="easy (default), medium or hard")
    sub.add_argument("--seed", type=int, help="another seed gives other scenes (default: 0)")
    sub.add_argument("--index", type=int, metavar="N", help="the number of the first scene (default: 0)")
    sub.add_argument("--port", type=int, help="port on 127.0.0.1; 0 takes any free one (default: 8036)")
    sub.add_argument("--no-browser", action="store_true", help="only print the address")
    suite = sub.add_argument_group("answer a suite, as a row for people in idf compare")
    suite.add_argument("--suite", metavar="SUITE", help="as of idf-eval: a suite folder, or spatialite:DIR")
    suite.add_argument("--out", type=Path, metavar="RUN", help="folder of the run; the same command resumes it")
    suite.add_argument("--mode", help="what is shown: vtqa (default), tqa or vqa")
    suite.add_argument("--limit", type=int, metavar="N", help="only N items of each world, as of idf-eval")
    suite.add_argument("--prompts", help="prompt set, as of idf-eval (default: idf-long-1)")
    suite.add_argument("--person", metavar="NAME", help="who answers, for tables (default: a person)")


def _run(arguments: argparse.Namespace) -> None:
    """Serve one of the two pages until it is done with."""
    from idf.play import ask_person, try_worlds

    if (arguments.suite is None) != (arguments.out is None):
        raise UserError("--suite and --out go together: what is answered, and the folder of the run")
    idle, mine = (_OF_SUITES, _OF_SCENES) if arguments.suite is None else (_OF_SCENES, _OF_SUITES)
    for name in idle:
        if getattr(arguments, name) is not None:
            option = "WORLD" if name == "world" else f"--{name}"
            raise UserError(f"{option} goes {'with' if arguments.suite is None else 'without'} --suite only")
    given = {name: getattr(arguments, name) for name in (*mine, "port") if getattr(arguments, name) is not None}
    if arguments.suite is None:
        try_worlds(**given, browse=not arguments.no_browser)
    else:
        ask_person(arguments.suite, arguments.out, **given, browse=not arguments.no_browser)
