"""Writes bench/results/filter_memory.json: the memory that `idf filter` takes for 8,000 and for 80,000 candidates.

`.venv/bin/python bench/filter_memory.py --against REPOSITORY@COMMIT [--traces 1600] [--times 5 50] [--out FILE]`. Candidates are
the oracle's, without pictures; larger folders repeat them under other ids and as other problems, so that all come as far as the
search for near-duplicates. Each filter runs in a process of its own; what it holds is its largest resident set. Nothing is
replayed, which would take most of the time and holds one trace at once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from machine import command, machine, source_at

from idf.data import DatasetFolder, Sample, open_dataset, text_of, write_dataset

ROOT = Path(__file__).parents[1]

_FILTER = """
import json, resource, sys
from idf.cli.main import main
from idf.traces import _filter
_filter.judge_trace, _filter.proof_of = lambda *_: None, lambda *_: "process"
sys.stdout = sys.stderr
try:
    main(["filter", sys.argv[1], "--out", sys.argv[2], "--keep", "1000"])
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout = sys.__stdout__
    print(json.dumps({"peak_mib": round(used.ru_maxrss / 1024), "cpu_seconds": round(used.ru_utime + used.ru_stime, 1)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", default="82a73e8", help="commit of this repository (default: %(default)s)")
    parser.add_argument("--traces", type=int, default=1600, help="different candidates (default: %(default)s)")
    parser.add_argument("--times", type=int, nargs=2, default=(5, 50), help="how often each comes (default: 5 and 50)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    result: dict[str, Any] = {
        "command": command(),
        "machine": machine(),
        "against": arguments.against,
        "candidates": {},
    }
    with TemporaryDirectory() as name:
        folder = Path(name)
        trees = {"here": ROOT, arguments.against: source_at(arguments.against, folder / "old")}
        recipe = [f"problems={arguments.traces}", "modes={tqa: 1}"]
        _run(ROOT, "-m", "idf.cli.main", "traces", "--out", folder / "made", *recipe)
        source = open_dataset(folder / "made", made_by="idf traces")
        for times in arguments.times:
            candidates = folder / f"times-{times}"
            write_dataset(_repeated(source, times), candidates, {})
            number = len(source) * times
            measured = result["candidates"][number] = {}
            for tree, path in trees.items():
                measured[tree] = json.loads(_run(path, "-c", _FILTER, candidates, folder / f"{tree}-{times}"))
                print(number, tree, measured[tree], flush=True)
                if arguments.out:
                    arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def _run(tree: Path, *arguments: object) -> str:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    python = [sys.executable, *map(str, arguments)]
    return subprocess.run(python, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _repeated(source: DatasetFolder, times: int) -> Iterator[Sample]:
    for turn in range(times):
        for sample in source.samples():
            *asked, said = sample.messages
            text = text_of(said).replace(" ", f" {turn}w")  # no near-duplicate: those are not held
            answered = [*asked, {"role": said["role"], "content": [{"type": "text", "text": text}]}]
            meta = sample.meta | {"key": f"{sample.meta['key']}#{turn}"}
            yield replace(sample, id=f"{sample.id}#{turn}", messages=answered, meta=meta)


if __name__ == "__main__":
    main()
