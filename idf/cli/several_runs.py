"""The commands over folders that `idf-eval` wrote: `idf table`, `idf compare`, `idf leaderboard`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from idf.errors import UserError


def named_folders(entries: Sequence[str]) -> tuple[dict[str, Path], list[str]]:
    """The folders that a command line names, by `DIR` or `NAME=DIR`.

    A folder without a name is called as it is; folders that would be called the same, by as much of their paths as tells
    them apart.

    Args:
        entries: What stands on the command line.

    Returns:
        Name -> folder, in the order given; a sentence for each name that had to be made longer.

    Raises:
        UserError: Two folders have the same name all the same.
    """
    parts = [entry.partition("=") for entry in entries]
    given = [
        (" ".join(name.split()), Path(folder))
        if name.strip() and folder and not Path(entry).exists()
        else ("", Path(entry))
        for entry, (name, _, folder) in zip(entries, parts, strict=True)
    ]
    unnamed = [_absolute(folder) for name, folder in given if not name]
    named: dict[str, Path] = {}
    said = []
    for name, folder in given:
        path = _absolute(folder)
        shown = name or _told_apart(path, unnamed)
        if shown in named:
            raise UserError(f"two folders are called {shown!r}: name them apart, for example {shown}2={folder}")
        if not name and shown != path.name:
            said.append(f"{folder} is called {shown}: another folder is called {path.name}, too (NAME=DIR names one)")
        named[shown] = folder
    return named, said


def _absolute(folder: Path) -> Path:
    return Path(os.path.abspath(folder))  # and not resolved: a link has the name that it was given


def _told_apart(path: Path, paths: Sequence[Path]) -> str:
    """As many of the last parts of a path as no other of the paths ends in."""
    others = [other for other in paths if other != path]
    for n in range(1, len(path.parts) + 1):
        if all(other.parts[-n:] != path.parts[-n:] for other in others):
            return str(Path(*path.parts[-n:]))
    return str(path)


def _folders(arguments: argparse.Namespace) -> dict[str, Path]:
    folders, said = named_folders(arguments.results)
    for sentence in said:
        print(sentence, file=sys.stderr)
    return folders


def print_table(arguments: argparse.Namespace) -> None:
    """`idf table`."""
    from idf.evaluation import check_figure, draw_growth, form_of, growth_as, growths, side_by_side, written_as
    from idf.recipe import check_names
    from idf.worlds import WORLDS

    form = None if arguments.out is None else form_of(arguments.out)
    if arguments.growth is None and arguments.figure is not None:
        raise UserError("--figure draws the growth of tokens in a world: name it, for example --growth wood_slide")
    if arguments.growth is not None:
        check_names("--growth", [arguments.growth], WORLDS)
    if arguments.figure is not None:
        check_figure(arguments.figure)
    folders = _folders(arguments)
    write: Callable[[str], str]
    if arguments.growth is None:
        write = partial(written_as, side_by_side(folders))
    else:
        found = growths(folders, arguments.growth)
        write = partial(growth_as, found)
    print(write(arguments.format), end="")
    if form is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(write(form), encoding="utf-8", errors="backslashreplace", newline="\n")
        print(f"table: {arguments.out}", file=sys.stderr)
    if arguments.figure is not None:
        arguments.figure.parent.mkdir(parents=True, exist_ok=True)
        print(f"figure: {draw_growth(found, arguments.figure)}", file=sys.stderr)


def print_comparison(arguments: argparse.Namespace) -> None:
    """`idf compare`."""
    from idf.evaluation import compare, comparison_text

    comparison = compare(arguments.a, arguments.b)
    print(comparison_text(comparison, every=arguments.list))
    if arguments.json is not None:
        try:
            arguments.json.write_text(json.dumps(comparison, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"--json {arguments.json} cannot be written: {error.strerror}") from None


def print_leaderboard(arguments: argparse.Namespace) -> None:
    """`idf leaderboard`."""
    from idf.evaluation import leaderboard, leaderboard_text, write_leaderboard

    folders = _folders(arguments)
    if arguments.out is not None and arguments.out.is_file():
        raise UserError(f"--out {arguments.out} is a file: name a folder")
    groups = leaderboard(folders)
    print(leaderboard_text(groups))
    for path in write_leaderboard(groups, arguments.out) if arguments.out is not None else ():
        print(path)
