"""`idf prompts`: what idf-eval would ask, for other people's clients."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from idf.cli.command import AddCommand
from idf.errors import UserError
from idf.options import overrides_of


def add_commands(command: AddCommand) -> None:
    """The options. They are keys of an evaluation's recipe, which alone knows types, ranges and defaults.

    They are named here, since `idf --help` must not wait for the import of that recipe.
    """
    sub = command("prompts", "write what idf-eval would ask, for your own client or a batch service", _run)
    sub.add_argument("suite", metavar="SUITE", help="as of `idf-eval --suite`: spatialite:DIR, or a suite folder")
    sub.add_argument("--out", type=Path, required=True, help="folder to write, new or empty")
    sub.add_argument("--modes", help="some of vqa,tqa,vtqa, separated by commas (default: vtqa)")
    sub.add_argument("--limit", metavar="N", help="only N items of each world, spread evenly over the suite")
    sub.add_argument("--duplicates", choices=["keep", "drop"], help="items that pose an earlier one's problem")
    sub.add_argument("--prompts", help="prompt set, as of idf-eval (default: idf-long-1)")
    sub.add_argument(
        "--pictures",
        choices=["auto", "published", "drawn"],
        help="auto: the suite's own files, but published Wood Slide redrawn (default); published: all files as they are; "
        "drawn: all drawn by idf",
    )
    sub.add_argument("--max-pixels", metavar="N", help="largest picture (default: 1204224)")
    sub.add_argument("--samples", metavar="N", help="responses to each item (default: 1)")
    sub.add_argument(
        "--format",
        choices=["lines", "batch"],
        default="lines",
        help="lines: prompts.jsonl and PNG files (default); batch: requests for OpenAI's batch service and others of its form",
    )
    batch = sub.add_argument_group("--format batch")
    batch.add_argument("--model", metavar="NAME", help="the model's name at the service; required")
    batch.add_argument("--max-new-tokens", metavar="N", help="longest response (default: 2048)")
    batch.add_argument("--temperature", metavar="X", help="default: 0; the word default sends none")
    batch.add_argument("--top-p", metavar="X", help="nucleus sampling (default: 1)")
    batch.add_argument("--seed", metavar="N", help="another seed draws other responses (default: 0)")
    batch.add_argument(
        "--token-limit-key",
        choices=["max_tokens", "max_completion_tokens"],
        help="what the service calls the longest response (default: max_tokens)",
    )
    batch.add_argument("--extra-body", metavar="MAP", help="keys of each request beside ours, as JSON or YAML")
    batch.add_argument("--stop", action="append", metavar="TEXT", help="a response ends at this text")
    batch.add_argument("--system", metavar="TEXT", help="a system message before the prompt")
    batch.add_argument("--file-megabytes", type=int, metavar="N", help="largest file, in 10^6 bytes (default: 200)")


def _run(arguments: argparse.Namespace) -> None:
    """Write the prompts, and say how to score what comes."""
    from idf.backends import OpenAIBackend
    from idf.evaluation import EvaluationRecipe, to_score, write_prompts
    from idf.evaluation.run.prompts import REQUESTED
    from idf.recipe import read_recipe

    given = [*overrides_of(arguments, EvaluationRecipe), *overrides_of(arguments, OpenAIBackend.Options)]
    if arguments.format == "lines":
        for name in ("model", *REQUESTED, "file_megabytes"):
            if getattr(arguments, name) is not None:
                raise UserError(f"--{name.replace('_', '-')} goes with --format batch only")
        given.append("responses=FILE")
    else:
        if arguments.model is None:
            raise UserError("--format batch needs the model's name at the service: --model NAME")
        given += [f"checkpoint={json.dumps(arguments.model)}", "backend=openai"]
    recipe = read_recipe(EvaluationRecipe, None, given)
    size = {} if arguments.file_megabytes is None else {"file_megabytes": arguments.file_megabytes}
    written = write_prompts(recipe, arguments.out, **size)
    files = ", ".join(written["files"])
    print(f"{written['requests']:,} prompts to {written['items']:,} items in {arguments.out}: {files}")
    print(f"score what comes: {to_score(recipe)}")
