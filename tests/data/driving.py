"""`idf` with small shards, in processes that tests can kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from idf.cli.main import main
from idf.data import _build

ROOT = Path(__file__).parents[2]


def drive(rows: int, *arguments: object, hash_seed: str = "0") -> subprocess.Popen[str]:
    """Start `idf` in a process of its own, with so many rows in a shard."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.data.driving", str(rows), *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that nothing but the process itself is killed
    )


def finished(part: Path) -> list[Path]:
    """The shards in an unfinished folder that are whole."""
    return sorted(note.with_suffix(".parquet") for note in part.glob("train-*.json"))


def wait_for_shards(process: subprocess.Popen[str], part: Path, number: int) -> None:
    """Wait until a process has finished so many shards, and still has others to make."""
    patience = time.monotonic() + 120
    while len(finished(part)) < number:
        assert process.poll() is None, "the process ended early: " + process.communicate()[1]
        assert time.monotonic() < patience, "no shard came"
        time.sleep(0.002)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The ids of the worker processes of a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process.pid and "spawn_main" in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except (OSError, IndexError):
            continue  # it ended while we looked
    return found


def running(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    _build.ROWS_PER_SHARD = int(sys.argv[1])
    main(sys.argv[2:])
