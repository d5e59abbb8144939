"""The commands that make training data and look at them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from idf.cli.command import AddCommand, overrides


def add_commands(command: AddCommand) -> None:
    """All of them, with their options."""
    sub = command("imagery", "make stage-1 data: random walks with every state in between", _imagery)
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--samples", type=int, help="how many (default: the recipe's, 20000)")
    sub.add_argument("--seed", type=int, help="another seed gives other samples (default: the recipe's, 0)")
    _common(sub)

    sub = command("traces", "make candidate traces: a teacher works problems out", _traces)
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument(
        "--teacher",
        help="who works them out: oracle (default), hf, vllm, openai or another package's backend; see docs/teachers.md",
    )
    sub.add_argument("--model", help="the teacher's model: a name at its endpoint, a folder, or a hub name")
    sub.add_argument("--problems", type=int, help="how many (default: the recipe's, 6000)")
    sub.add_argument("--seed", type=int, help="another seed gives other problems (default: the recipe's, 0)")
    _common(sub)

    sub = command("filter", "replay candidate traces and keep those that succeed: stage-2 data", _filter)
    sub.add_argument("source", metavar="DIR", type=Path, help="folder of candidate traces")
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--keep", type=int, help="how many to keep (default: the recipe's, 5000)")
    sub.add_argument(
        "--level", help="what is proven: process (every step, the default), consistent (nothing false) or outcome"
    )
    sub.add_argument("--allow-fewer", action="store_true", help="be content with fewer")
    sub.add_argument("--recipe", type=Path, help="YAML recipe")
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. most_words=800")
    sub.set_defaults(places=("source",))

    sub = command("mix", "write several datasets as one, thoroughly mixed", _mix)
    sub.add_argument("sources", metavar="DIR[:N]", nargs="+", help="dataset folders; DIR:2 takes each sample twice")
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--seed", type=int, default=0, help="another seed mixes them otherwise")

    sub = command("stats", "print and plot what a dataset consists of", _stats)
    sub.add_argument("source", metavar="DIR", type=Path, help="a dataset folder")
    sub.add_argument("--out", type=Path, help="folder for stats.json and the plots")
    sub.add_argument("--model", type=Path, help="count tokens exactly, with this local model (default: estimated)")

    sub = command("gallery", "write an HTML page with the pictures and conversations of a dataset or suite", _gallery)
    sub.add_argument("source", metavar="DIR", type=Path, help="a dataset or suite folder")
    sub.add_argument("--out", type=Path, required=True, help="HTML file to write")
    sub.add_argument("--limit", type=int, default=40, help="how many to show (default: %(default)s)")

    sub.add_argument("--model", type=Path, help="count tokens exactly, with this local model (default: estimated)")


def _common(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--workers",
        type=int,
        help="processes; not a byte of the samples depends on it (default: the cores, one for each 1,000 samples at most)",
    )
    sub.add_argument("--engine", default="local", help="who does the work: local processes (default) or ray, a cluster")
    sub.add_argument("--recipe", type=Path, help="YAML recipe")
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. max_pixels=401408")


def _imagery(arguments: argparse.Namespace) -> None:
    from idf.data import ROWS_PER_SHARD, open_engine
    from idf.imagery import ImageryRecipe, build_imagery
    from idf.recipe import read_recipe

    recipe = read_recipe(ImageryRecipe, arguments.recipe, overrides(arguments, "samples", "seed"))
    _begin(arguments.out, recipe.clone())
    with open_engine(arguments.engine, arguments.workers, recipe.samples // ROWS_PER_SHARD) as engine:
        folder = build_imagery(recipe, arguments.out, engine)
    print(f"{len(folder):,} imagery samples in {arguments.out}")


def _traces(arguments: argparse.Namespace) -> None:
    from idf.data import ROWS_PER_SHARD, open_engine
    from idf.recipe import read_recipe
    from idf.traces import TracesRecipe, build_traces

    teacher = {"teacher.name": arguments.teacher, "teacher.model": arguments.model}
    named = [f"{key}={value}" for key, value in teacher.items() if value is not None]
    recipe = read_recipe(TracesRecipe, arguments.recipe, named + overrides(arguments, "problems", "seed"))
    _begin(arguments.out, recipe.clone())
    shards = recipe.problems * recipe.teacher.samples // ROWS_PER_SHARD
    with open_engine(arguments.engine, arguments.workers, shards) as engine:
        folder = build_traces(recipe, arguments.out, engine)
    print(f"{len(folder):,} candidate traces in {arguments.out}; next: idf filter {arguments.out} --out DIR")


def _begin(out: Path, clone: Path | None) -> None:
    """Refuse a folder that holds data; say which published items these data may hold, where no whole clone is named."""
    from idf.data import refuse_existing
    from idf.suites import not_covered

    refuse_existing(out)
    if (said := not_covered(clone)) is not None:
        print(f"warning: {said}", file=sys.stderr)


def _filter(arguments: argparse.Namespace) -> None:
    from idf.data import open_dataset
    from idf.recipe import read_recipe
    from idf.traces import FilterRecipe, filter_traces

    recipe = read_recipe(FilterRecipe, arguments.recipe, overrides(arguments, "keep", "level"))
    source = open_dataset(arguments.source, made_by=f"idf traces --out {arguments.source}")
    folder, funnel = filter_traces(source, arguments.out, recipe, arguments.allow_fewer)
    print(f"{funnel.table()}\n{len(folder):,} traces in {arguments.out}")


def _mix(arguments: argparse.Namespace) -> None:
    from idf.data import mix_datasets, open_dataset

    sources = []
    for named in arguments.sources:
        path, colon, times = named.rpartition(":")
        repeated = bool(colon) and times.isdecimal()
        folder = Path(path if repeated else named)
        sources.append((open_dataset(folder, made_by=f"idf imagery --out {folder}"), int(times) if repeated else 1))
    mixture = mix_datasets(sources, arguments.out, arguments.seed)
    print(f"{len(mixture):,} samples of {len(sources)} datasets in {arguments.out}")


def _stats(arguments: argparse.Namespace) -> None:
    from idf.cli.stats import write_stats

    print(write_stats(arguments.source, arguments.out, arguments.model))


def _gallery(arguments: argparse.Namespace) -> None:
    from idf.cli.gallery import write_gallery

    shown = write_gallery(arguments.source, arguments.out, arguments.limit, arguments.model)
    print(f"{shown} shown in {arguments.out}")
