"""Runs the quickstart and writes bench/results/quickstart.json: `.venv/bin/python bench/quickstart.py`.

With `--collect` it takes the results of a quickstart that ran before.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from machine import machine

ROOT = Path(__file__).parents[1]
NAMES = ("chance", "base", "stage1", "stage2")


def main() -> None:
    if "--collect" not in sys.argv:
        subprocess.run(["bash", "launch/quickstart.sh"], cwd=ROOT, check=True)
    minutes = int((ROOT / "runs/quickstart/seconds").read_text()) / 60
    results = {name: json.loads((ROOT / f"runs/quickstart/{name}/results.json").read_text()) for name in NAMES}
    accuracy = {
        name: {
            mode: {key: cells["all"][key] for key in ("n", "correct", "accuracy", "wilson95", "tokens_median")}
            for mode, cells in result["worlds"]["cube_rolling"].items()
        }
        for name, result in results.items()
    }
    out = ROOT / "bench/results/quickstart.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(
        json.dumps({"minutes": round(minutes, 1), "accuracy": accuracy, "machine": machine()}, indent=2) + "\n"
    )
    print(out)


if __name__ == "__main__":
    main()
