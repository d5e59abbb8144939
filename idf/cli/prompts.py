"""`idf prompts`: what idf-eval would ask, for other people's clients."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from idf.arguments import read_map, read_names, temperature
from idf.errors import UserError


def add_options(sub: argparse.ArgumentParser) -> None:
    """The options; what is not given is left to the defaults of `PromptExport` and `BatchOptions`."""
    sub.argument_default = argparse.SUPPRESS
    sub.add_argument("suite", metavar="SUITE", help="as `idf-eval --suite` takes it: spatialite:DIR, or a suite folder")
    sub.add_argument("--out", type=Path, required=True, help="folder to write, new or empty")
    sub.add_argument("--modes", type=read_names, help="some of vqa,tqa,vtqa, separated by commas (default: vtqa)")
    sub.add_argument("--limit", type=int, help="only N items of each world, spread evenly over the suite")
    sub.add_argument("--duplicates", choices=["keep", "drop"], help="items that pose an earlier one's problem")
    sub.add_argument("--prompts", help="prompt set, as of idf-eval (default: idf-long-1)")
    sub.add_argument(
        "--pictures",
        choices=["auto", "published", "drawn"],
        help="auto: the suite's own files, but published Wood Slide redrawn (default); published: all files as they are; "
        "drawn: all drawn by idf",
    )
    sub.add_argument("--max-pixels", type=int, help="largest picture (default: 1204224)")
    sub.add_argument("--samples", type=int, help="responses to each item (default: 1)")
    sub.add_argument(
        "--format",
        choices=["lines", "batch"],
        default="lines",
        help="lines: prompts.jsonl and PNG files (default); batch: requests for OpenAI's batch service and others of its form",
    )
    batch = sub.add_argument_group("--format batch")
    batch.add_argument("--model", metavar="NAME", help="the model's name at the service; required")
    batch.add_argument("--max-new-tokens", type=int, help="longest response (default: 2048)")
    batch.add_argument("--temperature", type=temperature, help="default: 0; the word default sends none")
    batch.add_argument("--top-p", type=float, help="nucleus sampling (default: 1)")
    batch.add_argument("--seed", type=int, help="another seed draws other responses (default: 0)")
    batch.add_argument(
        "--token-limit-key",
        choices=["max_tokens", "max_completion_tokens"],
        help="what the service calls the longest response (default: max_tokens)",
    )
    batch.add_argument("--extra-body", metavar="MAP", help="keys of each request beside ours, as JSON or YAML")
    batch.add_argument("--stop", action="append", metavar="TEXT", help="a response ends at this text")
    batch.add_argument("--system", metavar="TEXT", help="a system message before the prompt")
    batch.add_argument("--file-megabytes", type=int, metavar="N", help="largest file, in 10^6 bytes (default: 200)")


def run(arguments: argparse.Namespace) -> None:
    """Write the prompts, and say how to score what comes."""
    from idf.evaluation import BatchOptions, PromptExport, to_score, write_prompts

    given = dict(vars(arguments))
    if "extra_body" in given:
        given["extra_body"] = read_map("--extra-body", arguments.extra_body)
    options = {field.name: given.pop(field.name) for field in fields(BatchOptions) if field.name in given}
    for name in ("run", "format"):
        del given[name]
    if arguments.format == "lines" and options:
        raise UserError(f"--{next(iter(options)).replace('_', '-')} goes with --format batch only")
    if arguments.format == "batch" and "model" not in options:
        raise UserError("--format batch needs the model's name at the service: --model NAME")
    job = PromptExport(**given, batch=BatchOptions(**options) if options else None)
    written = write_prompts(job)
    print(f"{written['requests']:,} prompts to {written['items']:,} items in {job.out}: {', '.join(written['files'])}")
    print(f"score what comes: {to_score(job)}")
