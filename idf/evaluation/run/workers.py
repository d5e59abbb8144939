"""Several GPUs, several processes: each asks its share and writes its own file; nothing waits for anything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from idf.errors import UserError


def read_share(text: str) -> tuple[int, int]:
    """The share "i/n" of a worker, i from 0.

    Raises:
        UserError: It is no share.
    """
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise UserError(f"--worker must look like 0/8 to 7/8, not {text}")
    return int(part), int(parts)


def run_workers(arguments: Sequence[str], workers: int, gpus_each: int = 1) -> None:
    """Run `idf-eval` once for each share, each on GPUs of its own if there are any, and wait for all of them.

    Args:
        arguments: The arguments of this command, without `--workers`.
        workers: How many.
        gpus_each: GPUs of each; if there are fewer in all, workers take turns on them.

    Raises:
        UserError: There are fewer GPUs than one worker needs; or some ended with an error, and what they and the others had
            answered is kept.
    """
    gpus = _gpus()
    if gpus and len(gpus) < gpus_each:
        raise UserError(f"each worker needs {gpus_each} GPUs, and there are {len(gpus)}")
    groups = [gpus[at : at + gpus_each] for at in range(0, len(gpus) - gpus_each + 1, gpus_each)]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for i in range(workers):
            environment = dict(os.environ)
            if groups:
                environment["CUDA_VISIBLE_DEVICES"] = ",".join(groups[i % len(groups)])
            command = [sys.executable, "-m", "idf.cli.evaluate", *arguments, "--worker", f"{i}/{workers}"]
            running.append(subprocess.Popen(command, env=environment))
        ended = [process.wait() for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if failed := [i for i, status in enumerate(ended) if status]:
        raise UserError(
            f"{len(failed)} of {workers} workers ended early (worker {failed[0]} with status {ended[failed[0]]}): every "
            "answer that came is kept, run the same command again to go on"
        )


def _gpus() -> list[str]:
    """What to say to CUDA_VISIBLE_DEVICES, one for each GPU that this process may use."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip()]
    import torch

    return [str(i) for i in range(torch.cuda.device_count())]
