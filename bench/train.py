"""Writes bench/results/train.json: our packed training beside Trainer, TRL and LLaMA-Factory, on any machine.

`python bench/train.py [--quick] [--out FILE] [--data DIR] [--llama-factory DIR]`. All ways train the same tiny model on the
same samples; each runs in a process of its own. The first pass runs every way; each later one runs ours and the fastest of
each peer again, in turns, and the median counts. On a CPU each has one thread, and what counts is the time of the processor,
not of the clock: what else the machine does hardly matters then. LLaMA-Factory needs an environment of its own, which
bench/llamafactory.sh makes. Steps of the 7B model's shapes on a GPU are bench/gpu/run.py's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from math import inf
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any

from machine import command, machine
from train_data import (
    ROOT,
    Width,
    describe,
    export_sharegpt,
    imagery_recipe,
    lengths_of,
    make_model,
    operations_of_7b,
    scaled_imagery,
    waste,
)
from train_ways import CHUNK_ON_CPU, LLAMA_FACTORY, OURS, PEERS, SWEEP, Spec

STATISTICS = ROOT / "docs/statistics/imagery/stats.json"
VOCABULARY = 152064  # of the 7B model
LABEL_TOKENS = (256, 512, 1024, 2048)
BATCH_SIZES = (2, 4, 8, 16)
ROW_LENGTHS = (4096, 8192, 16384)
QUICK = ("Trainer, 8 at random", "Trainer, 2 sorted", "TRL, 1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=24, help="samples of a pass (default: %(default)s)")
    parser.add_argument("--passes", type=int, default=5, help="the median pass counts (default: %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=inf, help="no pass begins after so many (default: %(default)s)"
    )
    parser.add_argument(
        "--divide", type=int, default=1, help="pictures have 1/N of their pixels (default: %(default)s)"
    )
    parser.add_argument("--tokens-per-row", type=int, default=2560, help="(default: %(default)s)")
    parser.add_argument("--long-rows", type=int, default=8192, help="the rows of the recipes (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=0, help="loader workers; their time does not count (default: %(default)s)"
    )
    parser.add_argument("--attention", default="packed", help="of our ways; peers have sdpa (default: %(default)s)")
    parser.add_argument("--llama-factory", type=Path, metavar="DIR", help="the environment of bench/llamafactory.sh")
    parser.add_argument(
        "--pictured",
        action="store_true",
        help="no sample of text alone: neat_packing of LLaMA-Factory 0.9.5 stops at a row without a picture",
    )
    parser.add_argument("--data", type=Path, help="a set of `idf imagery`, for its lengths (default: made anew)")
    parser.add_argument("--real-samples", type=int, default=20000, help="of that set, if made (default: %(default)s)")
    parser.add_argument("--ways-only", action="store_true", help="leave out stage 1's log, the loss, and the 20k set")
    parser.add_argument("--only", nargs="+", metavar="WAY", help="leave out the other ways")
    parser.add_argument("--cpu", action="store_true", help="leave a GPU alone")
    parser.add_argument("--quick", action="store_true", help="the smallest size: shows that it works, measures nothing")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.samples, arguments.passes, arguments.real_samples = 15, 1, 60
        arguments.divide, arguments.tokens_per_row, arguments.long_rows = 16, 1280, 2560
    import torch

    cpu = arguments.cpu or not torch.cuda.is_available()
    save(compare(arguments, cpu), arguments.out)


def save(result: dict[str, Any], out: Path | None) -> None:
    """Write what is measured so far."""
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n")


def compare(arguments: argparse.Namespace, cpu: bool) -> dict[str, Any]:
    """All that any machine can measure."""
    import torch

    width = Width(hidden=128, intermediate=384, layers=2) if arguments.quick else Width()
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = scaled_imagery(folder / "imagery", arguments.samples, arguments.divide, pictured=arguments.pictured)
        spec = Spec(
            model=str(folder / "model"),
            data=str(data.path),
            run=str(folder / "run"),
            tokens_per_row=arguments.tokens_per_row,
            long_rows=arguments.long_rows,
            samples=8,
            workers=arguments.workers,
            cpu=cpu,
            attention=arguments.attention,
        )
        result: dict[str, Any] = {
            "command": command(),
            "machine": machine(),
            "load_average_when_begun": os.getloadavg(),
            "device": "cpu" if cpu else torch.cuda.get_device_name(),
            "model": make_model(data, folder / "model", width),
            "settings": {
                "tokens_per_row": spec.tokens_per_row,
                "long_rows": spec.long_rows,
                "samples_per_step": {"packed": "those of one row", "others": spec.samples},
                "loader_workers": spec.workers,
                "pixels": f"1/{arguments.divide} of each world's own",
                "passes": arguments.passes,
                "threads": 1,
                "precision": "fp32",
                "attention": {"ours": spec.attention, "peers": "sdpa"},
                "gradient_checkpointing": True,
                "trl": version("trl"),
            },
            "lengths": {"trained_on": describe(lengths_of(data.samples()))},
        }
        ways = [*OURS, *(QUICK if arguments.quick else PEERS)]
        factory = None
        if arguments.llama_factory:
            factory = [str(arguments.llama_factory / "bin/python"), str(ROOT / "bench/llama_factory.py")]
            export_sharegpt(data, folder / "sharegpt")
            ways.append(LLAMA_FACTORY)
        ways = [way for way in ways if not arguments.only or way in arguments.only]
        bench = Bench(spec, factory, {"data": str(folder / "sharegpt")})
        result |= bench.measure(ways, arguments.passes, arguments.minutes)
        save(result, arguments.out)
        peers = result["strongest"][:1] if arguments.quick else [way for way in result["ways"] if way not in OURS]
        result["memory"] = bench.memory(result["ways"], peers)
        save(result, arguments.out)
        if arguments.ways_only or arguments.only:
            return result
        result["training_log"] = _training_log(spec)
        print("\nlaunch/stage1.py on the same:", json.dumps(result["training_log"]), flush=True)
        result["loss_memory"] = _loss_memory(cpu, arguments.quick)
        result["lengths"] |= _real_lengths(arguments, folder)
    print(json.dumps(result["lengths"], indent=1), flush=True)
    return result


# --- the ways ----------------------------------------------------------------------------------------------------


class Bench:
    """Runs ways and holds what they measured.

    Args:
        spec: What to train on.
        factory: How to call LLaMA-Factory; None without its environment.
        changes: What its spec has otherwise.
    """

    def __init__(self, spec: Spec, factory: list[str] | None, changes: dict[str, Any]) -> None:
        self.spec, self.factory, self.changes = spec, factory, changes
        self.clock = "cpu_seconds" if spec.cpu else "seconds"
        self.measured: dict[str, list[dict[str, Any]]] = {}
        self.not_run = {} if factory else {LLAMA_FACTORY: "no environment of bench/llamafactory.sh was given"}

    def measure(self, ways: Sequence[str], passes: int, minutes: float) -> dict[str, Any]:
        """Figures of all ways, how many times as fast ours are, and the fastest setting of each peer.

        Args:
            ways: The ways of the first pass.
            passes: Of our packed ways and of the fastest of each peer.
            minutes: After which no pass begins.
        """
        self.measured = {way: [] for way in ways}
        begun, kept = time.monotonic(), list(ways)
        for number in range(passes):
            if number and time.monotonic() - begun > 60 * minutes:
                break
            for way in kept:
                try:
                    self.measured[way].append(self._run(way) | {"pass": number})
                except SystemExit as error:
                    if way != LLAMA_FACTORY:
                        raise
                    del self.measured[way]
                    self.not_run[way] = str(error).strip().splitlines()[-1]
                    continue
                tokens = _speed(self.measured[way][-1], self.clock)
                print(f"pass {number + 1} of {passes}: {way}, {tokens:.0f} tokens/s", flush=True)
            # The two fastest of the sweep, since the first pass may have ranked them by chance.
            kept = [*OURS[:2], *self._fastest("Trainer")[:2], *self._fastest("TRL")[:1], LLAMA_FACTORY]
            kept = [way for way in kept if way in self.measured]
        _check_same(self.measured)
        figures = {way: _figures(runs) for way, runs in self.measured.items()}
        for way, figure in figures.items():
            if way not in OURS:
                figure["ours_times"] = self._ratios(way)
        return {
            "ways": figures,
            "strongest": [way for peer in ("Trainer", "TRL", LLAMA_FACTORY) for way in self._fastest(peer)[:1]],
            "not_run": self.not_run,
        }

    def memory(self, figures: dict[str, Any], peers: Sequence[str]) -> list[dict[str, Any]]:
        """What our step adds at as many positions in a micro-batch as each peer had at most, beside what its step added."""
        ours: dict[int, int] = {}
        rows = []
        for way in peers:
            positions = figures[way]["largest_micro_batch"]
            if positions not in ours:
                run = self._run("packed", tokens_per_row=positions)
                ours[positions] = round(run["peak_mib"] - run["before_mib"])
            theirs = figures[way]["step_memory_mib"]
            share = round(ours[positions] / max(1, theirs), 2)
            rows.append(
                {"way": way, "positions": positions, "mib": theirs, "ours_mib": ours[positions], "share": share}
            )
            print(f"memory: {rows[-1]}", flush=True)
        return rows

    def _run(self, way: str, **changes: Any) -> dict[str, Any]:
        spec = asdict(self.spec) | changes
        if way != LLAMA_FACTORY:
            return _child(way, spec)
        assert self.factory is not None
        result: dict[str, Any] = json.loads(_run([*self.factory, json.dumps(spec | self.changes)]).splitlines()[-1])
        return result

    def _fastest(self, peer: str) -> list[str]:
        """The peer's settings that were run, the fastest first."""
        run = [way for way in self.measured if way.startswith(peer)]
        return sorted(run, key=lambda way: -median(_speed(found, self.clock) for found in self.measured[way]))

    def _ratios(self, way: str) -> dict[str, Any]:
        """Our speed over that of a way: neighbours in time share the machine's load, so the median of each pass's ratio."""
        theirs = {run["pass"]: _speed(run, self.clock) for run in self.measured[way]}
        found: dict[str, Any] = {}
        for ours in (name for name in OURS[:2] if name in self.measured):
            ours_by = {run["pass"]: _speed(run, self.clock) for run in self.measured[ours]}
            ratios = [ours_by[number] / speed for number, speed in theirs.items()]
            found[ours] = {"times": round(median(ratios), 2), "passes": [round(ratio, 2) for ratio in ratios]}
        return found


def _check_same(measured: dict[str, list[dict[str, Any]]]) -> None:
    """All ways must have learned the same tokens, and those whose first step is the same must begin at the same loss.

    TRL and LLaMA-Factory learn the line break after an answer, too: one label more for each answer.
    """
    reference = next(name for name in ("unpacked", *OURS, *measured) if name in measured)
    ours = measured[reference][0]
    for way, runs in measured.items():
        more = way.startswith("TRL") or way == LLAMA_FACTORY
        for run in runs:
            beside = run["label_tokens"] - ours["label_tokens"]
            if run["tokens"] != ours["tokens"] or (not more and beside) or not 0 <= beside <= ours["samples"]:
                raise SystemExit(
                    f"{way} trained on {run['tokens']} tokens, {run['label_tokens']} of them labels; "
                    f"{reference} on {ours['tokens']} and {ours['label_tokens']}"
                )
            same_step = "unpacked" in measured and way in SWEEP and not SWEEP[way].sorted
            if same_step and abs(run["first_loss"] - ours["first_loss"]) > 1e-5 * ours["first_loss"]:
                raise SystemExit(f"{way} begins at a loss of {run['first_loss']}, unpacked at {ours['first_loss']}")


def _figures(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = runs[0]
    figures = {
        "useful_tokens_per_second": round(median(_speed(run, "seconds") for run in runs), 1),
        "useful_tokens_per_cpu_second": round(median(_speed(run, "cpu_seconds") for run in runs), 1),
        "step_seconds": round(median(fmean(run["seconds"]) for run in runs), 3),
        "step_cpu_seconds": round(median(fmean(run["cpu_seconds"]) for run in runs), 3),
        "passes": len(runs),
        "steps": len(first["seconds"]),
        "tokens": first["tokens"],
        "label_tokens": first["label_tokens"],
        "positions": first["positions"],
        "largest_micro_batch": first["largest_micro_batch"],
        "padding_share": round(1 - first["tokens"] / first["positions"], 4),
        "first_loss": round(first["first_loss"], 5),
        "peak_mib": round(median(run["peak_mib"] for run in runs)),
        # What the steps added to a process that had loaded everything.
        "step_memory_mib": round(median(run["peak_mib"] - run["before_mib"] for run in runs)),
    }
    if "versions" in first:
        figures["versions"] = first["versions"]
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
        "rows_per_micro_batch": 1,
        "rows_per_step": 3,
        "loader_workers": 1,
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
        "loader_workers": 1,
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


if __name__ == "__main__":
    main()
