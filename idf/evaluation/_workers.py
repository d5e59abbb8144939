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


def run_workers(arguments: Sequence[str], workers: int) -> None:
    """Run `idf-eval` once for each share, each on a GPU of its own if there are any, and wait for all of them.

    Args:
        arguments: The arguments of this command, without `--workers`.
        workers: How many.

    Raises:
        UserError: Some ended with an error; what the others and they themselves had answered is kept.
    """
    gpus = _gpus()
    running: list[subprocess.Popen[bytes]] = []
    try:
        for i in range(workers):
            environment = dict(os.environ)
            if gpus:
                environment["CUDA_VISIBLE_DEVICES"] = gpus[i % len(gpus)]
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
