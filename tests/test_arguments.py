"""Changes to a recipe stand anywhere on a command line, and an option that is none is told how to be written."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import pytest

from idf.arguments import parse_arguments
from tests.sentences import refused


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    command = parser.add_subparsers().add_parser("filter", allow_abbrev=False)
    command.add_argument("source", type=Path)
    command.add_argument("--out", type=Path)
    command.add_argument("--dry-run", action="store_true")
    command.add_argument("overrides", nargs="*")
    command.set_defaults(places=("source",), others_names={"lr": "write learning_rate=1e-5"})
    return parse_arguments(parser, ["filter", *argv])


@pytest.mark.parametrize(
    "order",
    [words for words in itertools.permutations(["DIR", "--out a=b", "--dry-run", "x=1", "hook.y=2"])],
    ids=" ".join,
)
def test_changes_stand_anywhere_in_their_order_and_what_follows_an_option_is_none(order):
    arguments = parse(*" ".join(order).split())
    assert (arguments.source, arguments.out, arguments.dry_run) == (Path("DIR"), Path("a=b"), True)
    assert arguments.overrides == [word for word in order if word in ("x=1", "hook.y=2")]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--learning_rate", "1e-5"], ("--learning_rate", "write learning_rate=1e-5")),
        (["--learning-rate=1e-5"], ("--learning-rate=1e-5", "write learning_rate=1e-5")),
        (["--wandb", "--dry-run"], ("--wandb", "write wandb=VALUE")),
        (["--wandb", "epochs=2"], ("--wandb", "write wandb=VALUE")),
        (["--hook.items", "4"], ("--hook.items", "write hook.items=4")),
        (["--lr", "1e-5"], ("--lr", "write learning_rate=1e-5")),
        (["--dry", "x=1"], ("--dry", "write dry=VALUE")),  # no option is guessed from its beginning
    ],
)
def test_a_key_that_is_written_as_an_option_is_told_how_it_is_written(argv, said):
    for words in (["DIR", *argv], [*argv, "DIR"]) if "VALUE" not in said[1] else (["DIR", *argv],):
        with refused(*said):
            parse(*words)


def test_a_word_that_is_no_change_is_left_for_the_recipe_to_refuse():
    assert parse("DIR", "word").overrides == ["word"]


def test_a_command_without_a_recipe_refuses_as_argparse_does(capsys):
    parser = argparse.ArgumentParser()
    with pytest.raises(SystemExit):
        parse_arguments(parser, ["x=1"])
    assert "x=1" in capsys.readouterr().err
