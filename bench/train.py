"""Writes bench/results/train.json: packed training beside padded training and Hugging Face's Trainer, on any machine.

`python bench/train.py [--quick] [--out FILE] [--data DIR]`. All ways train the same tiny model on the same samples; each
runs in a process of its own, in turns, and the median pass counts. On a CPU each has one thread, and what counts is the
time of the processor, not of the clock: what else the machine does hardly matters then. Steps of the 7B model's shapes on a
GPU are bench/gpu/run.py's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any

from machine import command, machine
from train_data import (
    ROOT,
    Width,
    describe,
    imagery_recipe,
    lengths_of,
    make_model,
    operations_of_7b,
    scaled_imagery,
    waste,
)
from train_ways import CHUNK_ON_CPU, WAYS, Spec

STATISTICS = ROOT / "docs/statistics/imagery/stats.json"
VOCABULARY = 152064  # of the 7B model
LABEL_TOKENS = (256, 512, 1024, 2048)
BATCH_SIZES = (2, 4, 8, 16)
ROW_LENGTHS = (4096, 8192, 16384)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=24, help="samples of a pass (default: %(default)s)")
    parser.add_argument("--passes", type=int, default=3, help="the median pass counts (default: %(default)s)")
    parser.add_argument(
        "--divide", type=int, default=1, help="pictures have 1/N of their pixels (default: %(default)s)"
    )
    parser.add_argument("--tokens-per-row", type=int, default=2560, help="(default: %(default)s)")
    parser.add_argument("--long-rows", type=int, default=8192, help="one in a step (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="loader workers, in all ways (default: %(default)s)")
    parser.add_argument("--attention", default="packed", help="of our ways; Trainer has sdpa (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="a set of `idf imagery`, for its lengths (default: made anew)")
    parser.add_argument("--real-samples", type=int, default=20000, help="of that set, if made (default: %(default)s)")
    parser.add_argument("--cpu", action="store_true", help="leave a GPU alone")
    parser.add_argument("--quick", action="store_true", help="the smallest size: shows that it works, measures nothing")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.samples, arguments.passes, arguments.real_samples = 15, 1, 60
        arguments.divide, arguments.tokens_per_row, arguments.long_rows = 16, 1280, 2560
    import torch

    cpu = arguments.cpu or not torch.cuda.is_available()
    result = compare(arguments, cpu)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def compare(arguments: argparse.Namespace, cpu: bool) -> dict[str, Any]:
    """All that any machine can measure."""
    width = Width(hidden=128, intermediate=384, layers=2) if arguments.quick else Width()
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = scaled_imagery(folder / "imagery", arguments.samples, arguments.divide)
        spec = Spec(
            model=str(folder / "model"),
            data=str(data.path),
            run=str(folder / "run"),
            tokens_per_row=arguments.tokens_per_row,
            long_rows=arguments.long_rows,
            rows=3,
            samples=8,
            workers=arguments.workers,
            cpu=cpu,
            attention=arguments.attention,
        )
        result: dict[str, Any] = {
            "command": command(),
            "machine": machine(),
            "device": "cpu" if cpu else _gpu_name(),
            "model": make_model(data, folder / "model", width),
            "settings": {
                "tokens_per_row": spec.tokens_per_row,
                "long_rows": spec.long_rows,
                "rows_per_step": spec.rows,
                "samples_per_step_unpacked": spec.samples,
                "loader_workers": spec.workers,
                "pixels": f"1/{arguments.divide} of each world's own",
                "passes": arguments.passes,
                "threads": 1,
                "precision": "fp32",
                "attention": {"ours": spec.attention, "stock": "sdpa"},
                "gradient_checkpointing": True,
            },
            "lengths": {"trained_on": describe(lengths_of(data.samples()))},
        }
        result["ways"] = _ways(spec, arguments.passes)
        result["training_log"] = _training_log(spec)
        print("\nlaunch/stage1.py on the same:", json.dumps(result["training_log"]), flush=True)
        result["loss_memory"] = _loss_memory(cpu, arguments.quick)
        result["lengths"] |= _real_lengths(arguments, folder)
    print(json.dumps(result["lengths"], indent=1), flush=True)
    return result


# --- the ways ----------------------------------------------------------------------------------------------------


def _ways(spec: Spec, passes: int) -> dict[str, Any]:
    """Each way's figures; medians over the passes."""
    measured: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for number in range(passes):
        for way in WAYS:
            measured[way].append(_child(way, asdict(spec)))
            tokens = _speed(measured[way][-1], "seconds")
            print(f"pass {number + 1} of {passes}: {way}, {tokens:.0f} tokens/s", flush=True)
    _check_same(measured)
    figures = {way: _figures(runs) for way, runs in measured.items()}
    stock = figures["stock Trainer"]
    clock = "cpu_seconds" if spec.cpu else "seconds"
    print(f"{'':<26}{'tokens/s':>10}{'CPU s/step':>12}{'s/step':>9}{'padding':>9}{'peak MiB':>10}{'x stock':>9}")
    for way, figure in figures.items():
        # Neighbours in time share the machine's load: a ratio is taken in each pass, and then the median.
        pairs = list(zip(measured[way], measured["stock Trainer"], strict=True))
        ratios = {by: [_speed(run, by) / _speed(other, by) for run, other in pairs] for by in ("seconds", clock)}
        figure["times_stock"] = round(median(ratios[clock]), 2)
        figure["times_stock_passes"] = [round(ratio, 2) for ratio in ratios[clock]]
        figure["times_stock_by_the_clock"] = round(median(ratios["seconds"]), 2)
        figure["times_unpacked"] = round(
            median(
                _speed(run, clock) / _speed(other, clock) for run, other in zip(measured[way], measured["unpacked"])
            ),
            2,
        )
        figure["step_memory_of_stock"] = round(figure["step_memory_mib"] / max(1, stock["step_memory_mib"]), 2)
        print(
            f"{way:<26}{figure['useful_tokens_per_second']:>10.1f}{figure['step_cpu_seconds']:>12.2f}"
            f"{figure['step_seconds']:>9.2f}{figure['padding_share']:>9.1%}{figure['peak_mib']:>10}"
            f"{figure['times_stock']:>9.2f}",
            flush=True,
        )
    return figures


def _check_same(measured: dict[str, list[dict[str, Any]]]) -> None:
    """All ways must have learned the same tokens, and both unpacked ones must begin at the same loss."""
    for key in ("tokens", "label_tokens"):
        found = {run[key] for runs in measured.values() for run in runs}
        if len(found) > 1:
            raise SystemExit(f"the ways did not train on the same: {key} {found}")
    ours, stock = (measured[way][0]["first_loss"] for way in ("unpacked", "stock Trainer"))
    if abs(ours - stock) > 1e-3 * stock:
        raise SystemExit(f"the unpacked ways begin at different losses: {ours} and {stock}")


def _figures(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = runs[0]
    figures = {
        "useful_tokens_per_second": round(median(_speed(run, "seconds") for run in runs), 1),
        "useful_tokens_per_cpu_second": round(median(_speed(run, "cpu_seconds") for run in runs), 1),
        "step_seconds": round(median(fmean(run["seconds"]) for run in runs), 3),
        "step_cpu_seconds": round(median(fmean(run["cpu_seconds"]) for run in runs), 3),
        "steps": len(first["seconds"]),
        "tokens": first["tokens"],
        "label_tokens": first["label_tokens"],
        "positions": first["positions"],
        "padding_share": round(1 - first["tokens"] / first["positions"], 4),
        "first_loss": round(first["first_loss"], 5),
        "peak_mib": round(median(run["peak_mib"] for run in runs)),
        # What the steps added to a process that had loaded everything.
        "step_memory_mib": round(median(run["peak_mib"] - run["before_mib"] for run in runs)),
    }
    if "data_wait_share" in first:
        figures["data_wait_share"] = round(median(run["data_wait_share"] for run in runs), 5)
    return figures


def _speed(run: dict[str, Any], clock: str) -> float:
    return float(run["tokens"] / sum(run[clock]))


def _training_log(spec: Spec) -> dict[str, Any]:
    """What launch/stage1.py itself logs on the same model and data; its first step, which starts the loader, is left out."""
    run = f"{spec.run}-launched"
    overrides: dict[str, Any] = {
        "model": spec.model,
        "data": spec.data,
        "run": run,
        "device": "cpu" if spec.cpu else "gpu",
        "gpus": 1,
        "precision": "fp32",
        "deepspeed": "null",
        "epochs": 2,
        "tokens_per_row": spec.tokens_per_row,
        "rows_per_micro_batch": spec.rows,
        "rows_per_step": spec.rows,
        "loader_workers": spec.workers,
        "attention": spec.attention,
        "wandb": "false",
        "hook.mode": "off",
    }
    call = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"]
    call += [str(ROOT / "launch/stage1.py"), "--recipe", str(ROOT / "recipes/stage1.yaml")]
    call += [f"{key}={value}" for key, value in overrides.items()]
    _run(call)
    steps = [json.loads(line) for line in (Path(run) / "history.jsonl").read_text().splitlines()][1:]
    seconds = sum(step["seconds"] for step in steps)
    return {
        "steps": len(steps),
        "useful_tokens_per_second": round(sum(step["tokens"] for step in steps) / seconds, 1),
        "data_wait_share": round(sum(step["data_wait"] for step in steps) / seconds, 5),
        "loader_workers": spec.workers,
    }


# --- loss --------------------------------------------------------------------------------------------------------


def _loss_memory(cpu: bool, quick: bool) -> dict[str, Any]:
    """Peak memory of the loss by label tokens: in chunks, and with all logits at once."""
    chunk = CHUNK_ON_CPU if cpu else None
    sizes = LABEL_TOKENS[:1] if quick else LABEL_TOKENS if cpu else tuple(4 * n for n in LABEL_TOKENS)
    vocabulary = 8192 if quick else VOCABULARY
    rows = []
    for tokens in sizes:
        spec = {"tokens": tokens, "hidden": 128, "vocabulary": vocabulary, "chunk": chunk, "cpu": cpu}
        chunked, full = _child("chunked", spec), _child("full", spec)
        if abs(chunked["loss"] - full["loss"]) > 1e-3 * full["loss"]:
            raise SystemExit(f"our loss is {chunked['loss']}, that of all logits {full['loss']}")
        rows.append({"label_tokens": tokens, "chunked_mib": chunked["peak_mib"], "full_mib": full["peak_mib"]})
        print(f"loss of {tokens} label tokens: {rows[-1]}", flush=True)
    dtype = "fp32" if cpu else "bf16, loss in fp32"
    return {"vocabulary": vocabulary, "chunk": chunk or 2048, "hidden": 128, "dtype": dtype, "peaks": rows}


# --- lengths -----------------------------------------------------------------------------------------------------


def _real_lengths(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The length mix of the default recipe at full size, what packing fills of it, and what padding wastes."""
    from idf.data import open_dataset
    from idf.imagery import build_imagery

    if arguments.data:
        data = open_dataset(arguments.data, made_by=f"idf imagery --out {arguments.data}")
    else:
        data = build_imagery(imagery_recipe(samples=arguments.real_samples), folder / "real")
    lengths = lengths_of(data.samples())
    published = json.loads(STATISTICS.read_text())
    return {
        "real": describe(lengths)
        | {"fingerprint": data.fingerprint(), "same_as_statistics": data.fingerprint() == published["fingerprint"]},
        "statistics": {world: facts["tokens"]["total"] for world, facts in published["worlds"].items()},
        "waste": waste(lengths, ROW_LENGTHS, BATCH_SIZES),
        "operations_of_7b": operations_of_7b(lengths, ROW_LENGTHS, size=8),
    }


# --- processes ---------------------------------------------------------------------------------------------------


def _child(way: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The result of bench/train_ways.py."""
    output = _run([sys.executable, str(ROOT / "bench/train_ways.py"), way, json.dumps(spec)])
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def _run(call: Sequence[str]) -> str:
    """The output of a command that can import idf; what went wrong is shown."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(call, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(call[:4])} failed:\n{done.stdout[-1000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def _gpu_name() -> str:
    import torch

    return str(torch.cuda.get_device_name())


if __name__ == "__main__":
    main()
