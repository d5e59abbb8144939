"""The commands that make suites, and hand them to other programs and take back what those found."""

from __future__ import annotations

import argparse
from pathlib import Path

from idf.cli.command import AddCommand, overrides


def add_commands(command: AddCommand) -> None:
    """All of them, with their options."""
    sub = command("suite", "generate an evaluation suite from scenes that no training data holds", _suite)
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--items", type=int, help="items for each world and difficulty (default: 20)")
    sub.add_argument("--seed", type=int, help="another seed gives other items (default: 0)")
    sub.add_argument("--recipe", type=Path, help="YAML recipe with worlds, difficulties, max_pixels")
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe")

    sub = command("verify", "replay every published SpatiaLite item and compare with its answer", _verify)
    sub.add_argument("spatialite", metavar="SPATIALITE_DIR", type=Path, help="a clone of SpatiaLite")

    sub = command("hub-layout", "write a generated suite as a dataset for the Hugging Face Hub", _hub_layout)
    sub.add_argument("suite", metavar="DIR", type=Path, help="a suite folder")
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--prompts", default="idf-long-1", help="prompt set of the questions (default: %(default)s)")

    sub = command("paths", "print the folder that another program has to be pointed to", _paths)
    sub.add_argument(
        "name",
        help="lmms-eval: for its option --include_path; recipes: those that come with idf (--recipe idf:NAME reads one)",
    )

    sub = command(
        "import-lmms", "turn the samples that lmms-eval logged into a responses file for idf-eval", _import_lmms
    )
    sub.add_argument("samples", metavar="SAMPLES.jsonl", type=Path, nargs="+", help="files of lmms-eval --log_samples")
    sub.add_argument("--out", type=Path, required=True, help="responses file to write")


def _suite(arguments: argparse.Namespace) -> None:
    from idf.imagery import draw_suite
    from idf.recipe import read_recipe
    from idf.suites import SuiteRecipe, generate_suite

    recipe = read_recipe(SuiteRecipe, arguments.recipe, overrides(arguments, "items", "seed"))
    print(f"{generate_suite(recipe, arguments.out, draw_suite):,} items in {arguments.out}")


def _verify(arguments: argparse.Namespace) -> int:
    from idf.suites import verify_published

    report = verify_published(arguments.spatialite)
    items, agreeing = 0, 0
    for agreement in report:
        good = agreement.items - len(agreement.disagreements)
        items, agreeing = items + agreement.items, agreeing + good
        print(f"{agreement.file:<32} {good}/{agreement.items}")
        for item, why in agreement.disagreements:
            print(f"  {item}: {why}")
    print(f"agreement {agreeing}/{items}")
    return 0 if agreeing == items else 1


def _hub_layout(arguments: argparse.Namespace) -> None:
    from idf.integrations import write_hub_layout
    from idf.recipe import check_names
    from idf.suites import PROMPTS

    check_names("--prompts", [arguments.prompts], PROMPTS)
    counts = write_hub_layout(arguments.suite, arguments.out, arguments.prompts)
    print(f"{sum(counts.values()):,} items of {len(counts)} worlds in {arguments.out}")


def _paths(arguments: argparse.Namespace) -> None:
    from idf.integrations import PATHS, adapter_path
    from idf.recipe import check_names

    check_names("paths", [arguments.name], PATHS)
    print(adapter_path(arguments.name))


def _import_lmms(arguments: argparse.Namespace) -> None:
    from idf.integrations import import_lmms

    print(f"{import_lmms(arguments.samples, arguments.out):,} responses in {arguments.out}")
