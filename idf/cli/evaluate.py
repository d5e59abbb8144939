"""`idf-eval`: score a checkpoint, a baseline or stored responses on a suite; or each new checkpoint of a run."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from idf.cli.main import run_command
from idf.errors import UserError


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of `idf-eval`."""
    parser = argparse.ArgumentParser(
        prog="idf-eval", description="Evaluate a checkpoint (or a baseline, or stored responses) on spatial problems."
    )
    parser.add_argument("checkpoint", nargs="?", help="a complete Hugging Face folder, or a hub name")
    parser.add_argument(
        "--suite",
        help="spatialite:DIR (a clone of the published benchmark), spatialite:DIR:FILE, or the folder of a suite made by "
        "`idf suite` (default: one is generated, 20 items for each world and difficulty)",
    )
    parser.add_argument(
        "--modes", default="vtqa", help="some of vqa,tqa,vtqa, separated by commas (default: %(default)s)"
    )
    parser.add_argument("--limit", type=int, help="only N items of each world, spread evenly over the suite")
    parser.add_argument("--out", type=Path, help="folder for samples.jsonl, results.json and report.html")
    parser.add_argument("--backend", choices=["hf"], default="hf", help="what generates (default: %(default)s)")
    parser.add_argument("--baseline", choices=["oracle", "initial", "random"], help="a player that needs no model")
    parser.add_argument("--responses", type=Path, help="score stored responses (JSON Lines: id, mode, response, ...)")
    parser.add_argument(
        "--prompts", default="idf-long-1", help="prompt set: idf-long-1 or idf-short-1 (default: %(default)s)"
    )
    parser.add_argument(
        "--pictures",
        choices=["auto", "published", "drawn"],
        default="auto",
        help="auto: the suite's own files, but Wood Slide redrawn, since its published pictures print the length of the "
        "solution; published: all files as they are; drawn: all drawn by idf (default: %(default)s)",
    )
    parser.add_argument("--max-new-tokens", type=int, default=2048, help="longest response (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="prompts generated at once (default: %(default)s)")
    parser.add_argument(
        "--max-pixels", type=int, help="largest picture (default: what the checkpoint was trained with)"
    )
    watching = parser.add_argument_group("each new checkpoint of a run, asked what the hook of its recipe says")
    watching.add_argument(
        "--watch", type=Path, metavar="RUN", help="the run's folder; goes with the options below only"
    )
    watching.add_argument("--device", help="cpu, cuda or cuda:N (default: cuda if the run trains on GPUs)")
    watching.add_argument("--poll", type=float, metavar="SECONDS", help="time between two looks (default: 30)")
    watching.add_argument(
        "--patience", type=float, metavar="SECONDS", help="end after so long without anything new (default: 7200)"
    )
    parser.set_defaults(run=lambda arguments: _run(arguments) if arguments.watch is None else _watch(arguments, parser))
    run_command(parser, argv)


def _watch(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from idf.training.watch import watch

    options = {"watch", "device", "poll", "patience", "run"}
    for name, value in vars(arguments).items():
        if name not in options and value != parser.get_default(name):
            option = name if name == "checkpoint" else f"--{name.replace('_', '-')}"
            raise UserError(f"{option} does not go with --watch: the recipe of each checkpoint says what it is asked")
    chosen = {
        f"{name}_seconds": getattr(arguments, name)
        for name in ("poll", "patience")
        if getattr(arguments, name) is not None
    }
    for name, seconds in chosen.items():
        if not seconds > 0:
            raise UserError(f"--{name.removesuffix('_seconds')} must be above zero seconds, not {seconds:g}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's end is as clean as Ctrl-C
    return 1 if watch(arguments.watch, device=arguments.device, **chosen) else 0


def _run(arguments: argparse.Namespace) -> None:
    from idf.evaluation import (
        HFBackend,
        Response,
        baseline_response,
        evaluate,
        read_responses,
        score_rows,
        spread,
        table,
        write_report,
        write_results,
    )
    from idf.recipe import check_names, check_pixels, check_positive
    from idf.suites import MODES, PROMPTS, SuiteRecipe, generate_suite, open_suite

    for option in ("device", "poll", "patience"):
        if getattr(arguments, option) is not None:
            raise UserError(f"--{option} goes with --watch RUN only")
    given = [x for x in (arguments.checkpoint, arguments.baseline, arguments.responses) if x is not None]
    if len(given) != 1:
        raise UserError("name one of: a checkpoint, --baseline NAME, or --responses FILE (or --watch RUN)")
    modes = arguments.modes.split(",")
    check_names("--modes", modes, MODES)
    if arguments.prompts not in PROMPTS:
        raise UserError(f"unknown prompts {arguments.prompts!r}: use one of {', '.join(PROMPTS)}")
    who = arguments.checkpoint or (f"baseline {arguments.baseline}" if arguments.baseline else arguments.responses.name)
    if arguments.out is not None and arguments.out.is_file():
        raise UserError(f"--out {arguments.out} is a file: name a folder")
    check_pixels(arguments.max_pixels)
    for option in ("limit", "batch_size", "max_new_tokens"):
        check_positive(f"--{option.replace('_', '-')}", getattr(arguments, option))
    out = arguments.out or Path("runs") / f"eval-{time.strftime('%Y%m%d-%H%M%S')}"
    max_pixels = arguments.max_pixels or _trained_pixels(arguments.checkpoint)
    # Whoever is evaluated comes first: a wrong name must not cost the making of a suite.
    backend, stored = None, {}
    if arguments.checkpoint is not None:
        backend = HFBackend(
            arguments.checkpoint, max_new_tokens=arguments.max_new_tokens, batch_size=arguments.batch_size
        )
    if arguments.responses is not None:
        stored = read_responses(arguments.responses)
    suite = arguments.suite
    if suite is None:
        suite = str(out / "suite")
        if (out / "suite").exists():
            raise UserError(
                f"{out / 'suite'} holds a suite of an earlier run: name it with --suite, or choose another --out"
            )
        generate_suite(SuiteRecipe(max_pixels=max_pixels), out / "suite")
    items = open_suite(suite)
    known = {item.id for item in items}
    if arguments.limit is not None:
        items = spread(items, arguments.limit)

    run = {"evaluated": who, "suite": suite, "items": len(items), "modes": modes, "limit": arguments.limit}
    begun = time.perf_counter()
    if backend is not None:
        redraw = {
            "auto": {"wood_slide"} if suite.startswith("spatialite:") else set(),
            "published": set(),
            "drawn": {item.problem.world for item in items},
        }[arguments.pictures]
        rows = evaluate(
            items, modes, backend, prompts=arguments.prompts, max_pixels=max_pixels, redraw_worlds=sorted(redraw)
        )
        run |= {
            "prompts": arguments.prompts,
            "pictures": arguments.pictures,
            "max_pixels": max_pixels,
            "max_new_tokens": arguments.max_new_tokens,
            "batch_size": arguments.batch_size,
            "sampling": "greedy",
            "device": backend.device,
        }
    elif arguments.baseline is not None:
        told = {
            (item.id, mode): Response(baseline_response(arguments.baseline, item.problem, f"{item.id} {mode}"))
            for mode in modes
            for item in items
        }
        rows, _ = score_rows(items, modes, told)
    else:
        if strange := [item for item, _ in stored if item not in known]:
            raise UserError(f"{len(strange)} responses belong to no item of the suite, {strange[0]} among them")
        asked = {item.id for item in items}
        wanted = {key: value for key, value in stored.items() if key[0] in asked and key[1] in modes}
        rows, missing = score_rows(items, modes, wanted)
        run |= {"without_response": missing}
        if missing:
            print(f"{missing} of {len(rows)} items have no response: counted as empty")
    run |= {"seconds": round(time.perf_counter() - begun, 1)}
    results = write_results(rows, out, run)
    report = write_report(rows, results, out)
    print(f"{who} on {suite}\n{table(results)}\nreport: {report}")


def _trained_pixels(checkpoint: str | None) -> int:
    """The largest picture that a checkpoint was trained with; the default of our recipes if it does not say."""
    from idf.training.checkpoint import read_facts
    from idf.training.recipe import StageRecipe

    facts = read_facts(Path(checkpoint)) if checkpoint and Path(checkpoint).is_dir() else None
    return int(facts["recipe"]["max_pixels"]) if facts else StageRecipe.max_pixels
