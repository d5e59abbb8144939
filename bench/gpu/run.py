"""Measures training and evaluation on one GPU, the most valuable figures first: see bench/gpu/README.md.

`python bench/gpu/run.py --minutes 9 --out DIR [--from FILE] [--only NAME,...]`. Writes DIR/results.json after every
measurement, and DIR/log.txt. A second call goes on where the first one's minutes ended: it takes the first one's
results from DIR, or from `--from` if its machine is gone. `--cpu` runs all of it at tiny shapes; those figures mean nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from runner import Results, run_all
from settings import GPU, HERE, REHEARSAL, ROOT, first, measurements


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, required=True, help="the budget; all ends within it")
    parser.add_argument("--out", type=Path, required=True, help="folder for results.json and log.txt")
    parser.add_argument("--from", type=Path, dest="earlier", metavar="FILE", help="results.json of an earlier call")
    parser.add_argument("--only", default="", metavar="NAME,...", help="only these (and what they need: machine)")
    parser.add_argument("--cpu", action="store_true", help="tiny shapes on the CPU: a rehearsal")
    parser.add_argument("--data", type=Path, help="what make_data.py wrote (default: what pack.sh packed)")
    arguments = parser.parse_args()
    data: Path = arguments.data or HERE / "packed" / ("tiny" if arguments.cpu else "data")
    deadline = time.monotonic() + 60 * arguments.minutes
    if not (data / "imagery/dataset.json").exists():
        raise SystemExit(f"error: no data in {data}: `bash bench/gpu/pack.sh` makes it")
    if arguments.earlier is not None and not arguments.earlier.exists():
        raise SystemExit(f"error: --from {arguments.earlier}: there is no such file")
    results = Results(arguments.out, {"label": REHEARSAL if arguments.cpu else GPU}, arguments.earlier)
    with TemporaryDirectory(prefix="idf-gpu-") as folder, (arguments.out / "log.txt").open("a") as log:
        scratch = Path(folder)
        _environment(scratch / "site")
        command = f"python bench/gpu/run.py --minutes {arguments.minutes:g} --out DIR{' --cpu' * arguments.cpu} --only"
        statuses = run_all(first(scratch / "site", arguments.cpu), results, deadline, scratch, log, command)
        if set(statuses.values()) != {"done"}:
            raise SystemExit("error: the machine is not ready: see results.json and log.txt")
        found = results.measured["machine"]["figures"]
        _check_same_gpu(results, found["gpu"])
        wanted = measurements(found, data.resolve(), scratch, arguments.cpu)
        names = [name for name in arguments.only.split(",") if name]
        if unknown := sorted(set(names) - {measurement.name for measurement in wanted}):
            raise SystemExit(f"error: no measurement {unknown[0]}: there are {', '.join(m.name for m in wanted)}")
        chosen = [measurement for measurement in wanted if not names or measurement.name in names]
        statuses = run_all(chosen, results, deadline, scratch, log, command)
    width = max(map(len, statuses))
    print("\n".join(f"{name:<{width}}  {status}" for name, status in statuses.items()))
    print(f"results: {results.path}")
    sys.exit(any(status in ("failed", "timed out") for status in statuses.values()))


def _environment(site: Path) -> None:
    """What the measuring processes find: idf, bench, the carried wheels; and no way to ask the hub or wandb."""
    paths = [str(ROOT), str(ROOT / "bench"), str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "WANDB_MODE": "offline",
    }


def _check_same_gpu(results: Results, gpu: str) -> None:
    """Figures of two GPUs do not belong into one file."""
    before = results.data.setdefault("gpu", gpu)
    if before != gpu:
        raise SystemExit(f"error: {results.path} holds figures of {before}, and this is {gpu}: name another --out")


if __name__ == "__main__":
    main()
