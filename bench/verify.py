"""Writes bench/results/verify.json: `.venv/bin/python bench/verify.py SPATIALITE_DIR`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from machine import machine

from idf.evaluation import BASELINES, Response, baseline_response, score_rows, summarize
from idf.suites import open_suite, verify_published

ROOT = Path(__file__).parents[1]


def main() -> None:
    folder = Path(sys.argv[1])
    agreement = {a.file: {"items": a.items, "agree": a.items - len(a.disagreements)} for a in verify_published(folder)}
    items = open_suite(f"spatialite:{folder}")
    players = {}
    for name in BASELINES:
        told = {
            (item.id, "tqa", 0): Response(baseline_response(name, item.problem, f"{item.id} tqa")) for item in items
        }
        rows, _ = score_rows(items, ["tqa"], told)
        cells = summarize(rows)["worlds"]
        players[name] = {
            world: {key: modes["tqa"]["all"][key] for key in ("n", "correct", "accuracy", "wilson95")}
            for world, modes in cells.items()
        }
    out = ROOT / "bench/results/verify.json"
    out.write_text(json.dumps({"agreement": agreement, "players": players, "machine": machine()}, indent=2) + "\n")
    print(json.dumps(agreement, indent=2))


if __name__ == "__main__":
    main()
