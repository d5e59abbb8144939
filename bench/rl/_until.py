"""Train until the evaluation hook finds an accuracy within a range: `python -m bench.rl._until RUN LEAST MOST COMMAND...`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from idf.training.evaluations import evaluated


def stopped_at(run: Path, least: float, most: float) -> str | None:
    """The first checkpoint of a run whose accuracy by the hook lies within a range; None if there is none yet."""
    found = {name: sum(modes.values()) / len(modes) for name, modes in evaluated(run).items() if name != "final"}
    steps = sorted(found, key=lambda name: int(name.rpartition("-")[2]))
    return next((name for name in steps if least <= found[name] <= most), None)


def main() -> None:
    run, least, most = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    link = run / "chosen"
    process = subprocess.Popen(sys.argv[4:])
    signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
    name = None
    while name is None and process.poll() is None:
        time.sleep(0.2)
        name = stopped_at(run, least, most)
    name = name or stopped_at(run, least, most)
    if name is None:
        sys.exit(process.returncode or f"no checkpoint of {run} has an accuracy from {least:.0%} to {most:.0%}")
    part = run / ".chosen"
    part.unlink(missing_ok=True)
    os.symlink(name, part)
    os.replace(part, link)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)  # the run saves and ends; torchrun says that it was ended
        process.wait()


if __name__ == "__main__":
    main()
