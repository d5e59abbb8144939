"""`idf-eval`: score a checkpoint, a baseline or stored responses on a suite; or each new checkpoint of a run."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idf.cli.main import run_command
from idf.errors import UserError
from idf.extras import require


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of `idf-eval`."""
    parser = argparse.ArgumentParser(
        prog="idf-eval", description="Evaluate a checkpoint (or a baseline, or stored responses) on spatial problems."
    )
    parser.add_argument("checkpoint", nargs="?", help="a complete Hugging Face folder, or a hub name")
    parser.add_argument(
        "--suite",
        help="spatialite:DIR (a clone of the published benchmark), spatialite:DIR:FILE, spatialite:DIR:all, or the folder of a "
        "suite made by `idf suite` (default: one is generated, 20 items for each world and difficulty)",
    )
    parser.add_argument(
        "--modes", default="vtqa", help="some of vqa,tqa,vtqa, separated by commas (default: %(default)s)"
    )
    parser.add_argument("--limit", type=int, help="only N items of each world, spread evenly over the suite")
    parser.add_argument("--out", type=Path, help="folder for samples.jsonl, results.json and report.html")
    parser.add_argument(
        "--backend",
        choices=["hf", "vllm", "openai"],
        default="hf",
        help="what generates: transformers, vLLM (the extra idf[vllm]), or an OpenAI-compatible endpoint, whose model is then "
        "the checkpoint (default: %(default)s)",
    )
    parser.add_argument("--baseline", choices=["oracle", "initial", "random"], help="a player that needs no model")
    parser.add_argument(
        "--rescore",
        type=Path,
        metavar="DIR",
        help="judge the responses that a run stored again, by today's scoring rules; in place (the old results are kept in a "
        "folder beside the new), or into --out. Asks nobody; goes with --out, --suite, --answers and --parser-url only",
    )
    parser.add_argument("--responses", type=Path, help="score stored responses (JSON Lines: id, mode, response, ...)")
    parser.add_argument(
        "--prompts",
        default="idf-long-1",
        help="prompt set: idf-long-1, idf-short-1, or official-2025 and official-2025-question for the published wording "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--pictures",
        choices=["auto", "published", "drawn", "both"],
        default="auto",
        help="auto: the suite's own files, but Wood Slide redrawn, since its published pictures print the length of the "
        "solution; published: all files as they are; drawn: all drawn by idf; both: auto, and Wood Slide once more with its "
        "published pictures, in OUT/published_pictures (default: %(default)s)",
    )
    parser.add_argument("--max-new-tokens", type=int, default=2048, help="longest response (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="prompts generated at once (default: %(default)s)")
    parser.add_argument(
        "--max-pixels", type=int, help="largest picture (default: what the checkpoint was trained with)"
    )
    parser.add_argument(
        "--other-pixels", action="store_true", help="let --max-pixels differ from what the checkpoint was trained with"
    )
    parser.add_argument(
        "--duplicates",
        choices=["keep", "drop"],
        default="keep",
        help="items that pose the same problem as an earlier one (default: %(default)s; both counts are shown)",
    )
    parser.add_argument("--samples", type=int, default=1, help="responses to each item, for pass@k (default: 1)")
    parser.add_argument(
        "--temperature",
        type=_temperature,
        default=0.0,
        help="0 takes the likeliest token (default); the word default sends none, and the endpoint decides",
    )
    parser.add_argument("--top-p", type=float, default=1.0, help="nucleus sampling (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other responses (default: 0)")
    parser.add_argument(
        "--parser",
        default="rules",
        help="who finds the final answer in a response: rules (default), or openai:MODEL, which may only quote it",
    )
    parser.add_argument("--parser-url", help="endpoint of the parser (default: that of --base-url)")
    parser.add_argument(
        "--parser-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="how the parser is asked: max_new_tokens, temperature, api_key_env, concurrency, timeout_s, retries, "
        "token_limit_key, extra_body, stop, system, stream; may be given several times",
    )
    parser.add_argument("--answers", type=Path, help="folder of answers, to share between runs (default: OUT/answers)")
    parser.add_argument("--workers", type=int, default=1, help="processes, each on a GPU of its own (default: 1)")
    parser.add_argument("--gpus", type=int, default=1, help="GPUs that share the model, vLLM only (default: 1)")
    parser.add_argument("--worker", metavar="I/N", help="ask only share I of N, from 0, and write no results yet")
    parser.add_argument("--whole-hash", action="store_true", help="read all bytes of the weights to tell them apart")
    parser.add_argument(
        "--deterministic", action="store_true", help="vLLM: the same answer whatever else is in a batch (slower)"
    )
    served = parser.add_argument_group("--backend openai")
    served.add_argument("--base-url", help="where /chat/completions is (default: OpenAI's)")
    served.add_argument(
        "--api-key-env", default="OPENAI_API_KEY", help="environment variable with the key (default: %(default)s)"
    )
    served.add_argument("--concurrency", type=int, default=8, help="requests in flight (default: %(default)s)")
    served.add_argument("--requests-per-minute", type=float, help="most attempts a minute (default: no limit)")
    served.add_argument("--max-total-tokens", type=int, help="budget of prompts and completions (default: no limit)")
    served.add_argument("--timeout", type=float, default=300.0, help="most seconds for an answer (default: 300)")
    served.add_argument("--retries", type=int, default=6, help="attempts after the first (default: %(default)s)")
    served.add_argument(
        "--token-limit-key",
        choices=["max_tokens", "max_completion_tokens"],
        default="max_tokens",
        help="what the endpoint calls the longest response (default: %(default)s; the other one if it refuses this one)",
    )
    served.add_argument(
        "--extra-body",
        default="{}",
        metavar="MAP",
        help="keys of the request beside ours, as JSON or YAML: '{reasoning_effort: low}'",
    )
    served.add_argument("--stop", action="append", default=[], metavar="TEXT", help="a response ends at this text")
    served.add_argument("--system", metavar="TEXT", help="a system message before the prompt")
    served.add_argument(
        "--stream", action="store_true", help="stream the replies (services that only stream are found out)"
    )
    served.add_argument("--context", type=int, help="what the endpoint holds, in tokens of prompt and response")
    watching = parser.add_argument_group("each new checkpoint of a run, asked what the hook of its recipe says")
    watching.add_argument(
        "--watch", type=Path, metavar="RUN", help="the run's folder; goes with the options below only"
    )
    watching.add_argument("--device", help="cpu, cuda or cuda:N (default: cuda if the run trains on GPUs)")
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

    parser.set_defaults(run=run)
    parser.set_defaults(argv=list(sys.argv[1:] if argv is None else argv))
    run_command(parser, argv)


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
        if name not in (option, *own, "run", "argv") and value != parser.get_default(name):
            other = name if name == "checkpoint" else f"--{name.replace('_', '-')}"
            raise UserError(f"{other} does not go with --{option}: {why}")


def _run(arguments: argparse.Namespace) -> None:
    from idf.backends import OPENAI_URL, Sampling
    from idf.evaluation import Evaluation, ParserOptions, read_share, run_evaluation, run_workers
    from idf.recipe import check_positive, read_recipe

    for option in ("device", "poll", "patience"):
        if getattr(arguments, option) is not None:
            raise UserError(f"--{option} goes with --watch RUN only")
    out = arguments.out or Path("runs") / f"eval-{time.strftime('%Y%m%d-%H%M%S')}"
    endpoint = {
        "base_url": arguments.base_url or OPENAI_URL,
        "api_key_env": arguments.api_key_env,
        "concurrency": arguments.concurrency,
        "requests_per_minute": arguments.requests_per_minute,
        "max_total_tokens": arguments.max_total_tokens,
        "timeout_s": arguments.timeout,
        "retries": arguments.retries,
        "token_limit_key": arguments.token_limit_key,
        "extra_body": _map("--extra-body", arguments.extra_body),
        "stop": arguments.stop,
        "system": arguments.system,
        "stream": arguments.stream,
    }
    parser = read_recipe(ParserOptions, None, arguments.parser_option)
    job = Evaluation(
        out=out,
        checkpoint=arguments.checkpoint,
        baseline=arguments.baseline,
        responses=arguments.responses,
        suite=arguments.suite,
        modes=list(dict.fromkeys(mode.strip() for mode in arguments.modes.split(","))),
        limit=arguments.limit,
        duplicates=arguments.duplicates,
        prompts=arguments.prompts,
        pictures=arguments.pictures,
        max_pixels=arguments.max_pixels,
        other_pixels=arguments.other_pixels,
        backend=arguments.backend,
        sampling=Sampling(arguments.max_new_tokens, arguments.temperature, arguments.top_p, arguments.seed),
        samples=arguments.samples,
        batch_size=arguments.batch_size,
        context=arguments.context,
        gpus=arguments.gpus,
        endpoint=endpoint,
        parser=arguments.parser,
        parser_endpoint=parser.endpoint(arguments.parser_url or endpoint["base_url"], arguments.api_key_env),
        answers=arguments.answers,
        share=None if arguments.worker is None else read_share(arguments.worker),
        whole_hash=arguments.whole_hash,
        deterministic=arguments.deterministic,
    )
    check_positive("--workers", arguments.workers)
    if arguments.workers > 1:
        job.check()
        if job.checkpoint is None or job.backend == "openai" or job.share is not None:
            raise UserError("--workers goes with a checkpoint of hf or vllm only, and not with --worker")
        run_workers(_without_workers(arguments.argv, out), arguments.workers, arguments.gpus)
    run_evaluation(job)


def _temperature(word: str) -> float | None:
    """A temperature; None for the endpoint's own."""
    return None if word == "default" else float(word)


def _map(option: str, text: str) -> dict[str, Any]:
    """A map in JSON or YAML.

    Raises:
        UserError: It is none.
    """
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{option} must be a map such as '{{reasoning_effort: low}}', not {text!r}")
    return found


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
