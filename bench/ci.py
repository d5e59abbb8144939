"""Where the time of CI goes: each part of `.ci/run` and each file of tests, in seconds and CPU-seconds.

`python bench/ci.py --out bench/results/ci.json` runs `.ci/run`, as CI does, in this checkout (make it a fresh clone). The
environment variable IDF_TIMES names a file to which each part adds a line: `.ci/run` for its steps, and `launch/test.sh`,
through this file as a pytest plugin, for its tests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "IDF_TIMES"
ENOUGH = 2.0  # CPU-seconds from which a test is named on its own


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Add a line for a test: its seconds, and CPU-seconds of its process and of the children that it waited for.

    What a fixture of a module or session takes is counted with the test that asks for it first. A child that is still
    running, or that nobody waited for, is not counted.
    """
    seconds, cpu = time.perf_counter(), _cpu_seconds()
    yield
    seconds, cpu = time.perf_counter() - seconds, _cpu_seconds() - cpu
    add_line({"test": item.nodeid, "seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3)})


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def add_line(line: dict[str, Any]) -> None:
    """Append to the file that IDF_TIMES names; several processes may do so at once."""
    with open(os.environ[VARIABLE], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Steps in their order; files of tests, the dearest first, with the tests that stand out.

    Args:
        lines: What `add_line` wrote.
    """
    files: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if "test" in line:
            files[line["test"].partition("::")[0]].append(line)
    tests = [line for of_file in files.values() for line in of_file]
    rows = [
        {
            "file": file,
            "tests": len(of_file),
            "seconds": round(sum(line["seconds"] for line in of_file), 1),
            "cpu_seconds": round(sum(line["cpu_seconds"] for line in of_file), 1),
            "dear": {
                line["test"].partition("::")[2]: line["cpu_seconds"]
                for line in sorted(of_file, key=lambda line: -line["cpu_seconds"])
                if line["cpu_seconds"] >= ENOUGH
            },
        }
        for file, of_file in files.items()
    ]
    return {
        "steps": {line["step"]: line["seconds"] for line in lines if "step" in line},
        "tests": len(tests),
        "tests_seconds": round(sum(line["seconds"] for line in tests), 1),
        "tests_cpu_seconds": round(sum(line["cpu_seconds"] for line in tests), 1),
        "files": sorted(rows, key=lambda row: -row["cpu_seconds"]),
    }


def main() -> None:
    """Run `.ci/run` and write where its time went."""
    from machine import command, machine

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--lines", type=Path, help="only sum up the lines of an earlier run")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = arguments.lines or Path(folder) / "times.jsonl"
        if arguments.lines is None:
            begin = time.perf_counter()
            done = subprocess.run(["bash", ".ci/run"], cwd=ROOT, env=os.environ | {VARIABLE: str(path), "CI": "true"})
            os.environ[VARIABLE] = str(path)
            add_line({"step": "all", "seconds": round(time.perf_counter() - begin, 1)})
            if done.returncode:
                sys.exit(f".ci/run ended with status {done.returncode}: nothing is written")
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    result = {"command": command(), "machine": machine(), **summary(lines)}
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
