"""The commands over folders that `idf-eval` wrote."""

from __future__ import annotations

import argparse
from pathlib import Path

from idf.cli import several_runs
from idf.cli.command import AddCommand
from idf.errors import UserError


def add_commands(command: AddCommand) -> None:
    """All of them, with their options."""
    sub = command(
        "table", "print the results of several evaluations of one suite side by side", several_runs.print_table
    )
    sub.add_argument("results", metavar="DIR", nargs="+", help="folders that idf-eval wrote; NAME=DIR names one")
    sub.add_argument(
        "--out", type=Path, metavar="FILE", help="write it, too: FILE ends in .md, .tex (booktabs), .csv or .txt"
    )
    sub.add_argument(
        "--format", choices=["text", "md", "tex", "csv"], default="text", help="what is printed (default: %(default)s)"
    )
    sub.add_argument(
        "--growth", metavar="WORLD", help="instead: tokens against the size of the problems of WORLD, with fits"
    )
    sub.add_argument("--figure", type=Path, metavar="FILE", help="draw that: FILE ends in .png, .pdf or .svg")

    sub = command(
        "compare",
        "compare two evaluations item by item: what differs, and whether it could be chance",
        several_runs.print_comparison,
    )
    sub.add_argument("a", metavar="A", type=Path, help="folder that idf-eval wrote")
    sub.add_argument("b", metavar="B", type=Path, help="another, of the same items; differences are B - A")
    sub.add_argument("--list", action="store_true", help="name every item that only one of them has right")
    sub.add_argument("--json", type=Path, metavar="FILE", help="write everything found to this file")

    sub = command("audit", "let a person check on some rows how often the reading of answers is right", _audit)
    sub.add_argument("folder", metavar="RUN", type=Path, help="folder that idf-eval wrote")
    way = sub.add_mutually_exclusive_group(required=True)
    way.add_argument("--out", metavar="FILE.html", type=Path, help="write the page on which rows are marked")
    way.add_argument(
        "--marks",
        metavar="FILE.json",
        type=Path,
        help="take back the marks that the page saved; reports say what follows",
    )
    sub.add_argument("--rows", type=int, metavar="N", help="how many rows to draw (default: 50)")
    sub.add_argument("--seed", type=int, help="another seed draws other rows (default: 0)")
    sub.add_argument("--suite", help="where the suite lies now, for questions and pictures (default: as RUN says)")

    sub = command(
        "leaderboard", "merge many evaluations into one table, the best first", several_runs.print_leaderboard
    )
    sub.add_argument("results", metavar="DIR", nargs="+", help="folders that idf-eval wrote; NAME=DIR names one")
    sub.add_argument("--out", type=Path, help="folder for leaderboard.md, leaderboard.csv and leaderboard.png")


def _audit(arguments: argparse.Namespace) -> None:
    from idf.evaluation import draw_audit, take_marks

    chosen = {name: getattr(arguments, name) for name in ("rows", "seed") if getattr(arguments, name) is not None}
    if arguments.marks is not None:
        if chosen:
            raise UserError(f"--{next(iter(chosen))} is for --out: a file of marks says itself how its rows were drawn")
        place, said = take_marks(arguments.folder, arguments.marks, suite=arguments.suite)
        print(f"{said}\nthe marks are kept in {place}; report.html and report.md of {arguments.folder} tell the same")
        return
    drawn, no_questions = draw_audit(arguments.folder, arguments.out, suite=arguments.suite, **chosen)
    if no_questions:
        print(f"the page shows no questions: {no_questions}")
    print(
        f"{drawn.drawn['read']} of {drawn.sizes['read']:,} responses that were read and {drawn.drawn['unread']} of "
        f"{drawn.sizes['unread']:,} that were not are in {arguments.out}; next: mark them in a browser, save the marks, then "
        f"idf audit {arguments.folder} --marks FILE.json"
    )
