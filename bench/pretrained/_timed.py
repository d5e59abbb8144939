"""Run a command and note its CPU-seconds: `python -m bench.pretrained._timed FILE COMMAND...`; one line for each start.

Wall time says little of what a study costs where other work keeps the cores busy.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path


def cpu_seconds(file: Path) -> float | None:
    """CPU-seconds of all starts; None if nothing was noted."""
    if not file.exists():
        return None
    return round(sum(json.loads(line)["cpu_seconds"] for line in file.read_text().splitlines()), 3)


def main() -> None:
    file, command = Path(sys.argv[1]), sys.argv[2:]
    process = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
    status = process.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with file.open("a") as notes:
        notes.write(json.dumps({"cpu_seconds": round(used.ru_utime + used.ru_stime, 3), "status": status}) + "\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
