"""`idf transfer`: other spatial benchmarks before and after training."""

from __future__ import annotations

import argparse
from pathlib import Path

from idf.cli.command import AddCommand
from idf.errors import UserError
from idf.extras import require


def add_commands(command: AddCommand) -> None:
    """The two models or their logs, and what to ask."""
    sub = command("transfer", "ask two models other spatial benchmarks through lmms-eval: one paired table", _run)
    sub.add_argument("base", metavar="BASE", help="the model before training: a folder or a hub name; or its logs")
    sub.add_argument("checkpoint", metavar="CHECKPOINT", help="the model after training, or its logs")
    sub.add_argument(
        "--set",
        metavar="NAMES",
        help="what to ask: near, easi, embodied, general or stub (a trial that comes with idf), or several with commas",
    )
    sub.add_argument("--limit", type=int, metavar="N", help="only the first N items of each task")
    sub.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder to write, needed unless --results; the same command resumes in it",
    )
    sub.add_argument(
        "--results",
        action="store_true",
        help="BASE and CHECKPOINT are folders of sample logs that lmms-eval wrote (--log_samples): ask nothing",
    )
    sub.add_argument("--model", help="who loads both: idf (default; as --backend hf), or a class of lmms-eval")
    sub.add_argument("--model-args", metavar="K=V,K=V", help="what else that class is told")
    sub.add_argument("--batch-size", type=int, metavar="N", help="prompts at once (default: 1)")


def _run(arguments: argparse.Namespace) -> None:
    """Ask or read, and print the table."""
    from idf.integrations import transfer

    names = [name.strip() for name in (arguments.set or "").split(",") if name.strip()]
    benchmarks = transfer.choose(names)
    if arguments.results:
        if arguments.out is not None:
            transfer.check_out(arguments.out, arguments.base, arguments.checkpoint)
        for option in ("limit", "model", "model_args", "batch_size"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')} is for asking: with --results nothing is asked")
        found = transfer.compare_logs(Path(arguments.base), Path(arguments.checkpoint), benchmarks, chosen=bool(names))
    else:
        found = _asked(arguments, names)
    print(transfer.transfer_text(found))
    if arguments.out is not None:
        transfer.write_transfer(found, arguments.out)
        print(f"\n{arguments.out / 'results.json'} and {arguments.out / 'transfer.md'} tell the same")
    if not found["benchmarks"]:
        raise UserError("nothing was compared: the table says why")


def _asked(arguments: argparse.Namespace, names: list[str]) -> dict[str, object]:
    from idf.integrations import transfer

    if not names:
        raise UserError(f"--set is missing: {', '.join(transfer.SETS)}, or several with commas")
    if arguments.out is None:
        raise UserError("--out is missing: a folder for answers and results")
    for option in ("limit", "batch_size"):
        if (value := getattr(arguments, option)) is not None and value < 1:
            raise UserError(f"--{option.replace('_', '-')} must be at least 1, not {value}")
    require("idf transfer", "harnesses", "lmms_eval")
    require("idf transfer", "hf")
    if arguments.batch_size is not None and arguments.model in (None, "idf"):
        raise UserError("--batch-size is for --model with a class of lmms-eval: idf asks one prompt at a time")
    plan = transfer.TransferPlan(
        base=arguments.base,
        checkpoint=arguments.checkpoint,
        benchmarks=transfer.choose(names),
        out=arguments.out,
        limit=arguments.limit,
        model=arguments.model or "idf",
        model_args=arguments.model_args or "",
        batch_size=arguments.batch_size or 1,
    )
    logs, not_run = transfer.run_transfer(plan)
    return transfer.compare_all(plan.base, plan.checkpoint, logs, not_run, plan.limit)
