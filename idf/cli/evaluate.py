"""`idf-eval`: score a checkpoint, a baseline or stored responses on a suite; or each new checkpoint of a run."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from idf.arguments import Parser
from idf.cli.command import run_command
from idf.errors import UserError
from idf.extras import require
from idf.options import add_options, overrides_of

if TYPE_CHECKING:
    from idf.evaluation import EvaluationRecipe


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of `idf-eval`."""
    words = list(sys.argv[1:] if argv is None else argv)
    run_command(lambda: _parser(words), "idf-eval", words)


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    from idf.backends import OURS, backend_class
    from idf.evaluation import EvaluationRecipe

    parser = Parser(
        prog="idf-eval", description="Evaluate a checkpoint (or a baseline, or stored responses) on spatial problems."
    )
    parser.add_argument("checkpoint", nargs="?", help="a complete Hugging Face folder, or a hub name")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. limit=10")
    parser.add_argument("--recipe", type=Path, help="YAML recipe of an evaluation; options and key=value change it")
    parser.add_argument("--out", type=Path, help="folder for samples.jsonl, results.json and report.html")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the results of another evaluation in OUT; its answers stay"
    )
    parser.add_argument(
        "--rescore",
        type=Path,
        metavar="DIR",
        help="judge the responses that a run stored again, by today's scoring rules; in place (the old results are kept in a "
        "folder beside the new), or into --out. Asks nobody; goes with --out, --suite, --answers and --parser-url only",
    )
    taken = add_options(parser, EvaluationRecipe)
    parser.add_argument(
        "--parser",
        metavar="rules|BACKEND:MODEL",
        help="who finds the final answer in a response: rules (default), or a model such as openai:M, which may only quote it",
    )
    parser.add_argument("--parser-url", help="endpoint of the parser (default: that of --base-url)")
    parser.add_argument(
        "--parser-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="how the parser is asked: max_new_tokens, temperature, or an option of its backend; may be given several times",
    )
    parser.add_argument(
        "--sweep",
        metavar="damage|max_pixels=N,N",
        help="evaluate once for each damage of the pictures (or damage=blur-1,jpeg-3), or for each largest picture, and once "
        "with the text alone, into folders of OUT; sweep.md sets them side by side",
    )
    parser.add_argument("--answers", type=Path, help="folder of answers, to share between runs (default: OUT/answers)")
    parser.add_argument("--workers", type=int, default=1, help="processes, each on a GPU of its own (default: 1)")
    parser.add_argument("--worker", metavar="I/N", help="ask only share I of N, from 0, and write no results yet")
    for name in dict.fromkeys([*OURS, *_named_backend(argv)]):
        options = backend_class(name).Options
        shared = [field.name for field in fields(options) if field.name in taken]
        also = f"; also --{', --'.join(shared).replace('_', '-')}" if shared else ""
        taken += add_options(parser.add_argument_group(f"--backend {name}{also}"), options, taken)
    watching = parser.add_argument_group("each new checkpoint of a run, asked what the hook of its recipe says")
    watching.add_argument(
        "--watch", type=Path, metavar="RUN", help="the run's folder; goes with --device and the options below only"
    )
    watching.add_argument("--poll", type=float, metavar="SECONDS", help="time between two looks (default: 30)")
    watching.add_argument(
        "--patience", type=float, metavar="SECONDS", help="end after so long without anything new (default: 7200)"
    )

    def run(arguments: argparse.Namespace) -> int | None:
        if arguments.watch is not None:
            return _watch(arguments, parser)
        if arguments.rescore is not None:
            _rescore(arguments, parser)
        else:
            _run(arguments)
        return None

    parser.set_defaults(run=run, argv=list(argv), places=("checkpoint",), may_lack=("checkpoint",))
    return parser


def _named_backend(argv: Sequence[str]) -> list[str]:
    """The backend of another package that a command line names; only then is that package imported."""
    from idf.backends import backend_names

    words = list(argv)
    named = [word.partition("=")[2] for word in words if word.startswith(("--backend=", "backend="))]
    named += [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--backend"]
    return [name for name in named if name in backend_names()]


def _watch(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    require("idf-eval --watch", "hf")
    from idf.training.watch import watch

    _check_alone(
        arguments,
        parser,
        "watch",
        ("device", "poll", "patience"),
        "the recipe of each checkpoint says what it is asked",
    )
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


def _rescore(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    from idf.evaluation import Rescoring, rescore

    own = ("out", "suite", "answers", "parser_url")
    _check_alone(arguments, parser, "rescore", own, "the run says what it was asked, and nobody is asked again")
    rescore(Rescoring(arguments.rescore, arguments.out, arguments.suite, arguments.answers, arguments.parser_url))


def _check_alone(
    arguments: argparse.Namespace, parser: argparse.ArgumentParser, option: str, own: Sequence[str], why: str
) -> None:
    """Refuse what does not go with an option that decides all but a few others."""
    for name, value in vars(arguments).items():
        given = bool(value) if name == "overrides" else value != parser.get_default(name)
        if given and name not in (option, *own, "run", "argv", "places", "may_lack"):
            other = {"checkpoint": "checkpoint", "overrides": "key=value"}.get(name, f"--{name.replace('_', '-')}")
            raise UserError(f"{other} does not go with --{option}: {why}")


def _run(arguments: argparse.Namespace) -> None:
    from idf.evaluation import read_share, run_evaluation, run_sweep, run_workers
    from idf.evaluation.run.output import locked
    from idf.recipe import check_positive

    for option in ("poll", "patience"):
        if getattr(arguments, option) is not None:
            raise UserError(f"--{option} goes with --watch RUN only")
    out = arguments.out or Path("runs") / f"eval-{time.strftime('%Y%m%d-%H%M%S')}"
    recipe = _recipe(arguments)
    check_positive("--workers", arguments.workers)
    share = None if arguments.worker is None else read_share(arguments.worker)
    settings = {"answers": arguments.answers, "overwrite": arguments.overwrite}
    if arguments.workers > 1:
        if not recipe.several_processes or share is not None:
            raise UserError(
                "--workers goes with a checkpoint that is computed here (hf or vllm), and not with --worker"
            )
        with locked(out):
            run_workers(_without_workers(arguments.argv, out), arguments.workers, recipe.spec.options.get("gpus", 1))
    if arguments.sweep is not None:
        run_sweep(recipe, arguments.sweep, out, share=share, **settings)
    else:
        run_evaluation(recipe, out, share=share, **settings)


def _recipe(arguments: argparse.Namespace) -> EvaluationRecipe:
    """The recipe file, changed by options and by key=value."""
    from idf.backends import OURS, backend_class
    from idf.evaluation import EvaluationRecipe
    from idf.recipe import read_recipe

    given = list(overrides_of(arguments, EvaluationRecipe))
    if arguments.checkpoint is not None:
        given.append(f"checkpoint={json.dumps(arguments.checkpoint)}")
    for name in dict.fromkeys([*OURS, *_named_backend(arguments.argv)]):
        given += overrides_of(arguments, backend_class(name).Options)
    if arguments.parser is not None:
        backend, _, model = arguments.parser.partition(":")
        given += [f"parser.name={json.dumps(backend)}"] + ([f"parser.model={json.dumps(model)}"] if model else [])
        if backend == "openai":  # the address and the key of the model serve the parser too
            shared = {"base_url": arguments.parser_url or arguments.base_url, "api_key_env": arguments.api_key_env}
            given += [f"parser.{name}={json.dumps(value)}" for name, value in shared.items() if value is not None]
            if _backend_of(arguments) != "openai":
                given = [change for change in given if not change.startswith(("base_url=", "api_key_env="))]
    elif arguments.parser_url is not None:
        given.append(f"parser.base_url={json.dumps(arguments.parser_url)}")
    given += [f"parser.{option}" for option in arguments.parser_option]
    return read_recipe(EvaluationRecipe, arguments.recipe, [*dict.fromkeys(given), *arguments.overrides])


def _backend_of(arguments: argparse.Namespace) -> str:
    """The backend that is chosen, by key=value, an option or the recipe file."""
    import yaml

    from idf.files import read_text
    from idf.recipe import find_recipe

    changed = [word.removeprefix("backend=") for word in arguments.overrides if word.startswith("backend=")]
    if changed or arguments.backend is not None:
        return str(changed[-1] if changed else arguments.backend)
    if arguments.recipe is None:
        return "hf"
    told = yaml.safe_load(read_text(find_recipe(arguments.recipe)))
    return str(told.get("backend", "hf")) if isinstance(told, dict) else "hf"


def _without_workers(argv: Sequence[str], out: Path) -> list[str]:
    """The arguments that each worker gets: the same, with the folder named."""
    kept: list[str] = []
    skip = False
    for word in argv:
        if skip or word.startswith("--workers="):
            skip = False
        elif word == "--workers":
            skip = True
        else:
            kept.append(word)
    return [*kept, "--out", str(out)]


if __name__ == "__main__":
    main()
