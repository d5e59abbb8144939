"""`idf`: data, suites, verification. Heavy imports happen inside the command that needs them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from idf.arguments import Parser
from idf.cli import data, loop, play, prompts, results, suites, training, transfer
from idf.cli.command import run_command
from idf.cli.overview import OverviewParser
from idf.version import VERSION


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of `idf`."""
    run_command(_parser, "idf", argv)


def _parser() -> argparse.ArgumentParser:
    parser = OverviewParser(
        prog="idf", description="The Imagery-Driven Framework: data, training, evaluation. What do you want to do?"
    )
    parser.add_argument("--version", action="version", version=f"idf {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, help: str, run: Callable[[argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        parser.said[name] = help
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        return sub

    for group in (data, suites, training, results, prompts, loop, play, transfer):
        group.add_commands(command)
    return parser


if __name__ == "__main__":
    main()
