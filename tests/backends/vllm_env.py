"""vLLM's environment, as `launch/serve.sh` makes it, and what is run in it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
VENV = Path(os.environ.get("VLLM_VENV", ROOT / ".venv-vllm"))
READY_S = 600.0


def need_environment() -> None:
    """Skip, with the reason, where nobody made vLLM's environment."""
    if not (VENV / "idf-installed").exists():
        pytest.skip(f"there is no vLLM in {VENV}: `bash launch/serve.sh --install` makes its environment")


def environment() -> dict[str, str]:
    """The variables of a command in it: one GiB of cache is plenty for tiny models, and the cores are others' too."""
    cpu = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **cpu, "PYTHONPATH": str(ROOT), "VLLM_VENV": str(VENV)}


def in_environment(*arguments: object, folder: Path) -> str:
    """What a Python program prints that is run in the environment; it must end well."""
    command = [str(VENV / "bin" / "python"), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        url: Where /chat/completions is.
        model: The name of its model.
        log: What it says.
        process: The command that was started.
    """

    url: str
    model: str
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def serving(checkpoint: Path, log: Path, *options: object) -> Iterator[Served]:
    """Serve a checkpoint by `launch/serve.sh`, until it answers; it must end well when it is told to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ("--host", "127.0.0.1", "--port", port, "--served-model-name", "tiny")
    command = ["bash", ROOT / "launch" / "serve.sh", checkpoint, *where, *options]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(word) for word in command],
            env=environment(),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/health", process, log)
        yield Served(f"http://127.0.0.1:{port}/v1", "tiny", log, process)
    finally:
        try:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)  # to the script alone: the server must get it
                process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            pass  # not yet
        time.sleep(0.5)
    raise AssertionError(f"not ready within {READY_S:g} s: {log.read_text()[-3000:]}")
