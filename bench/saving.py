"""What making a checkpoint whole costs beside writing it: its files are flushed to the disk anyway, and hashed meanwhile.

    python bench/saving.py --gb 4 --out bench/results/saving.json

A checkpoint in the form of a run without DeepSpeed is written (weights in two shards, the optimizer's moments) and made whole in
three ways, one after the other, several times: flushed only; sealed, as training does; hashed only, from memory. Needs no GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file

from idf.training.whole import _hash, flush_folder, seal, write_list


def numbers(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights in bf16, a quarter of `size` bytes, and two moments in fp32, the rest."""
    weights = torch.randint(-(2**15), 2**15, (2, size // 16), dtype=torch.int16).view(torch.bfloat16)
    return weights, torch.randint(-(2**31), 2**31 - 1, (2, size * 3 // 32), dtype=torch.int32).view(torch.float32)


def write(folder: Path, weights: torch.Tensor, moments: torch.Tensor) -> None:
    (folder / "state").mkdir(parents=True)
    for shard in (0, 1):
        save_file({"weight": weights[shard].clone()}, folder / f"model-0000{shard + 1}-of-00002.safetensors")
    torch.save({"exp_avg": moments[0], "exp_avg_sq": moments[1]}, folder / "state" / "optimizer.pt")


def flush(folder: Path) -> None:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    flush_folder(folder)


def whole(folder: Path) -> None:
    write_list(folder, [seal(folder, 0)])


def hashed(folder: Path) -> None:
    flush(folder)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        _hash(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=4, help="GB (10^9 bytes) of a checkpoint")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder if left out")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    ways = {"flushed": flush, "sealed": whole, "flushed, then hashed": hashed}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    held = numbers(int(arguments.gb * 1e9))
    with TemporaryDirectory(dir=arguments.folder) as root:
        for number in range(arguments.rounds):
            for name in list(ways)[number % 3 :] + list(ways)[: number % 3]:
                folder = Path(root) / "checkpoint"
                os.sync()
                begun = time.perf_counter()
                write(folder, *held)
                ways[name](folder)
                seconds[name].append(time.perf_counter() - begun)
                shutil.rmtree(folder)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    result = {
        "command": f"python bench/saving.py --gb {arguments.gb:g} --rounds {arguments.rounds}",
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}",
        "gb": arguments.gb,
        "seconds": {name: [round(t, 3) for t in times] for name, times in seconds.items()},
        "median_seconds": {name: round(t, 3) for name, t in median.items()},
        "sealing_adds": round(
            statistics.median(
                sealed / flushed - 1 for sealed, flushed in zip(seconds["sealed"], seconds["flushed"], strict=True)
            ),
            4,
        ),
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
