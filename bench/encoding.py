"""Writes bench/results/encoding.json: samples -> token files, of this tree and of earlier commits.

`python bench/encoding.py [--samples 20000] [--rounds 3] [--against COMMIT ...] --out bench/results/encoding.json`. Data of the
committed recipe and a tiny model are made once; each measurement is a process of its own, and those of one round follow
each other, so that a busy machine slows all of them. Needs the git history, from which earlier commits are taken into a
temporary folder. Processor time is the figure to go by: wall time is that of whoever else uses the machine, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from machine import command, machine, peak_mib

ROOT = Path(__file__).parents[1]
AGAINST = ("82a73e8", "2ffff40")
FEW = 2000  # samples, beside all of them, for the growth of memory
TOKENS_PER_ROW, MAX_PIXELS = 8192, 1204224  # of recipes/stage1.yaml


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        return print(json.dumps(one(*map(Path, sys.argv[2:5]), workers=int(sys.argv[5]))))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=20_000, help="samples of the committed recipe")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repetitions")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of processes")
    parser.add_argument(
        "--against", nargs="*", default=AGAINST, metavar="COMMIT", help="earlier commits of this project"
    )
    parser.add_argument(
        "--data", type=Path, help="folder to keep data and model in, for another run (default: temporary)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        result = measure(arguments, arguments.data or Path(temporary) / "data", Path(temporary))
    print(json.dumps(result["ratios"], indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(arguments: argparse.Namespace, data: Path, temporary: Path) -> dict[str, Any]:
    """All rounds, and what follows from them."""
    sizes = sorted({min(FEW, arguments.samples), arguments.samples})
    make_data(data, sizes)
    ways: dict[str, tuple[Path, int]] = {}
    try:
        for commit in arguments.against:
            tree = temporary / commit
            subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, commit], cwd=ROOT, check=True)
            ways[commit] = (tree, 0)
        ways |= {f"{workers} workers": (ROOT, workers) for workers in arguments.workers}
        rounds = [
            {"load": os.getloadavg()[0]}
            | {name: run(way, data, arguments.samples, temporary) for name, way in ways.items()}
            for _ in range(arguments.rounds)
        ]
        few = {name: run(way, data, sizes[0], temporary) for name, way in ways.items()}
    finally:
        for commit in arguments.against:
            subprocess.run(["git", "worktree", "remove", "--force", temporary / commit], cwd=ROOT, check=False)
    found = {name: [one[name] for one in rounds] for name in ways}
    files = {json.dumps(one["files"]) for runs in found.values() for one in runs}
    return {
        "samples": arguments.samples,
        "command": command(),
        "machine": machine(),
        "load": [round(one["load"], 1) for one in rounds],
        "same_files": len(files) == 1,
        "medians": {name: summary(runs, few[name]) for name, runs in found.items()},
        "ratios": {
            commit: {name: ratios(found[commit], found[name]) for name in ways if name not in arguments.against}
            for commit in arguments.against
        },
        "rounds": rounds,
        "few_samples": few,
    }


def make_data(data: Path, sizes: Sequence[int]) -> None:
    """`imagery-<samples>` by the committed recipe, and a tiny model, unless they are there."""
    idf = [sys.executable, "-m", "idf.cli.main"]
    for samples in sizes:
        if not (data / f"imagery-{samples}" / "dataset.json").exists():
            recipe = ["--recipe", ROOT / "recipes/imagery.yaml", "--workers", str(os.cpu_count())]
            out = data / f"imagery-{samples}"
            subprocess.run([*idf, "imagery", *recipe, "--out", out, "--samples", str(samples)], check=True)
    if not (data / "tiny").exists():
        subprocess.run([*idf, "tiny", data / f"imagery-{sizes[0]}", "--out", data / "tiny"], check=True)


def run(way: tuple[Path, int], data: Path, samples: int, temporary: Path) -> dict[str, Any]:
    """One measurement, by the code of a tree."""
    tree, workers = way
    environment = os.environ | {"PYTHONPATH": str(tree), "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryDirectory(dir=temporary) as folder:
        paths = (data / f"imagery-{samples}", data / "tiny", folder)
        call = [sys.executable, __file__, "--one", *paths, str(workers)]
        said = subprocess.run(call, env=environment, capture_output=True, text=True)
    if said.returncode:
        sys.exit(f"{call}: {said.stderr}")
    result: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return result


def one(data: Path, model: Path, folder: Path, *, workers: int) -> dict[str, Any]:
    """Encode in this process or, if there are workers, in as many of its own; 0 for a tree that knows of none."""
    from idf.data import open_dataset
    from idf.training.dataset import prepare_tokens, tokens_folder
    from idf.training.encode import Encoder
    from idf.training.load import load_processor

    found = open_dataset(data, made_by="-")
    encoder = Encoder(load_processor(str(model)), TOKENS_PER_ROW, MAX_PIXELS)
    peaks = Peaks()
    before, wall, cpu = peak_mib(cpu=True), time.monotonic(), sum(os.times()[:4])
    prepare_tokens(found, encoder, folder, False, *([workers] if workers else []))
    wall, cpu = time.monotonic() - wall, sum(os.times()[:4]) - cpu
    peaks.ended.set()
    written = tokens_folder(found, encoder, folder)
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "mib_before": round(before),
        "mib_peak": round(peak_mib(cpu=True)),
        "mib_peak_of_a_worker": round(max(peaks.of.values(), default=0)),
        "files": {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(written.iterdir())},
    }


class Peaks(threading.Thread):
    """Reads again and again the largest resident set of each process that this one has started, by Linux's count.

    Attributes:
        of: Process number -> MiB.
        ended: To be set when all is done.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.of: dict[int, float] = {}
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        while not self.ended.wait(0.2):
            for number in children.read_text().split() if children.exists() else ():
                try:
                    status = Path(f"/proc/{number}/status").read_text()
                except OSError:  # it has ended since
                    continue
                peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
                if peak is not None:
                    self.of[int(number)] = int(peak.split()[1]) / 1024


def summary(runs: Sequence[dict[str, Any]], few: dict[str, Any]) -> dict[str, Any]:
    """Medians of one way, and the memory that it takes for few samples."""
    middle = {key: median(one[key] for one in runs) for key in runs[0] if key != "files"}
    return middle | {f"{key}_{FEW}_samples": few[key] for key in few if key.startswith("mib")}


def ratios(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Medians over rounds: processor time of the old way by that of the new one, and share of the wall time that is left."""
    pairs = list(zip(old, new, strict=True))
    return {
        "cpu_times_less": round(median(a["cpu_s"] / b["cpu_s"] for a, b in pairs), 2),
        "wall_left": round(median(b["wall_s"] / a["wall_s"] for a, b in pairs), 2),
    }


if __name__ == "__main__":
    main()
