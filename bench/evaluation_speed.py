"""Writes bench/results/evaluation_speed.json: the processor time of idf-eval, against an earlier commit and against lmms-eval.

`.venv/bin/python bench/evaluation_speed.py CHECKPOINT [--against 82a73e8] [--rounds 5] [--out FILE]`. A checkpoint answers 300
items of mixed lengths, and 3,150 stored responses are scored. All take turns in each round, in processes of their own with one
thread; the medians of user and system time count. The time of asking one item of each world is taken for a checkpoint's start.
Both trees must say the same texts, which is counted.

lmms-eval (extra `harnesses`) is asked the same 300 items by our task in it: the same prompts and pictures, at most as many
tokens, 64 at once as here. Its class `qwen2_5_vl` loads bf16, which would say something else: here it loads fp32, as idf-eval
does on a CPU. What it says is compared too. It imports decord, a reader of videos that no item needs: where that is not
installed, an empty module stands for it.

The committed figures are of the quickstart's checkpoint after stage 1 (launch/quickstart.sh, with one rank), whose answers have
4 to 256 tokens.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from machine import command, machine, source_at

ROOT = Path(__file__).parents[1]
WAYS = ("start", "300 items", "3,150 stored responses", "lmms-eval")
_LMMS_EVAL = """
import runpy, sys
from importlib.util import find_spec
from types import ModuleType
if find_spec("decord") is None:
    sys.modules["decord"] = ModuleType("decord")
    sys.modules["decord"].VideoReader = sys.modules["decord"].cpu = None
from transformers import Qwen2_5_VLForConditionalGeneration as Model
load = Model.from_pretrained
Model.from_pretrained = lambda *names, **told: load(*names, **told | {"torch_dtype": "float32"})
runpy.run_module("lmms_eval", run_name="__main__", alter_sys=True)
"""
_TIMED = """
import json, resource, subprocess, sys
ran = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
if ran.returncode:
    sys.exit(ran.stdout)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": round(used.ru_maxrss / 1024)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="such as that of the quickstart")
    parser.add_argument("--against", default="82a73e8", help="commit of this repository (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="the medians count (default: %(default)s)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="what is measured (default: all)")
    parser.add_argument("--max-new-tokens", type=int, default=256, help="longest response (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        result = measure(arguments, Path(name))
    print(json.dumps(result, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All rounds, and what they come to."""
    trees = {"here": ROOT, arguments.against: source_at(arguments.against, folder / "old")}
    # The tree that is compared with makes the items: both read them.
    make = "import sys; from idf.cli.main import main; sys.exit(main(sys.argv[1:]))"
    for suite, items in (("asked", "20"), ("scored", "70")):
        words = ["suite", "--out", str(folder / suite), "--items", items, "max_pixels=50176"]
        _run([sys.executable, "-c", make, *words], trees[arguments.against])
    _store(folder / "scored", folder / "responses.jsonl")
    asked = ["--suite", str(folder / "asked"), "--max-new-tokens", str(arguments.max_new_tokens)]
    asked += ["--prompts", "idf-short-1", "--max-pixels", "50176", "--other-pixels"]
    checkpoint = str(arguments.checkpoint.resolve())
    stored = [
        "--responses",
        str(folder / "responses.jsonl"),
        "--suite",
        str(folder / "scored"),
        "--modes",
        "vtqa,tqa,vqa",
    ]
    asks = ["-m", "idf.cli.evaluate"]
    ways = {
        "start": [*asks, checkpoint, *asked, "--limit", "1"],
        "300 items": [*asks, checkpoint, *asked],
        "3,150 stored responses": [*asks, *stored],
    }
    jobs = {(way, tree): words for way, words in ways.items() if way in arguments.ways for tree in trees}
    if "lmms-eval" in arguments.ways:
        jobs["300 items", "here"] = ways["300 items"]
        jobs["300 items", "lmms-eval"] = _lmms_eval(checkpoint, arguments.max_new_tokens)
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for turn in range(arguments.rounds):
        for (way, tree), words in jobs.items():
            out = folder / f"{way} {tree} {turn}"
            place = ["--output_path" if tree == "lmms-eval" else "--out", str(out)]
            ran = _run(
                [sys.executable, "-c", _TIMED, *words, *place],
                trees.get(tree, ROOT),
                IDF_SUITE=str(folder / "asked"),
                HF_HOME=str(folder / "home"),
            )
            found.setdefault(way, {}).setdefault(tree, []).append(json.loads(ran))
            print(way, tree, found[way][tree][-1], file=sys.stderr, flush=True)
    return {
        "command": command(),
        "machine": machine(),
        "against": arguments.against,
        "runs": found,
        **_summary(found, arguments.against),
        "same_texts_to_300_items": _same(folder),
    }


def _lmms_eval(checkpoint: str, max_new_tokens: int) -> list[str]:
    """What is run for lmms-eval, after `python`."""
    from idf.integrations import adapter_path

    model = (
        f"pretrained={checkpoint},device=cpu,device_map=cpu,attn_implementation=sdpa,min_pixels=784,max_pixels=50176"
    )
    words = ["-c", _LMMS_EVAL, "--include_path", str(adapter_path("lmms-eval")), "--tasks", "idf_spatialite_vtqa"]
    words += ["--model", "qwen2_5_vl", "--model_args", model, "--batch_size", "64"]
    return [*words, "--gen_kwargs", f"max_new_tokens={max_new_tokens}", "--log_samples"]


def _summary(found: dict[str, dict[str, list[dict[str, Any]]]], old: str) -> dict[str, Any]:
    """Medians, and how many times as fast this tree is."""
    seconds = {
        way: {tree: median(run["cpu_seconds"] for run in runs) for tree, runs in of.items()}
        for way, of in found.items()
    }
    times = {
        f"{way}, against {other}": of[other] / of["here"]
        for way, of in seconds.items()
        for other in of
        if other != "here"
    }
    if old in seconds.get("300 items", {}) and "start" in seconds:
        asking = {tree: seconds["300 items"][tree] - seconds["start"][tree] for tree in ("here", old)}
        times[f"300 items, start-up aside, against {old}"] = asking[old] / asking["here"]
    return {"median_cpu_seconds": seconds, "times": times}


def _run(words: Sequence[str], tree: Path, **more: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment |= {"IDF_PROMPTS": "idf-short-1", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", **more}
    return subprocess.run(words, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _store(suite: Path, out: Path) -> None:
    """Responses of solvers and of players that guess, to every item in three modes."""
    from idf.evaluation import baseline_response
    from idf.suites import open_suite
    from idf.traces import oracle_response

    chance, items = random.Random(0), open_suite(str(suite))
    with out.open("w") as file:
        for mode in ("vtqa", "tqa", "vqa"):
            for item in items:
                name = chance.choice(["oracle", "oracle", "initial", "random"])
                said = (
                    oracle_response(item.problem) if name == "oracle" else baseline_response(name, item.problem, mode)
                )
                row = {"id": item.id, "mode": mode, "response": said, "completion_tokens": len(said) // 4}
                file.write(json.dumps(row) + "\n")


def _same(folder: Path) -> dict[str, str]:
    """Whose texts to the 300 items are those of this tree, of the first round."""
    texts = {tree: _texts(folder / f"300 items {tree} 0") for tree in _asked(folder)}
    here = texts.pop("here", {})
    return {
        other: f"{sum(said[item] == text for item, text in here.items())} of {len(here)}"
        for other, said in texts.items()
    }


def _asked(folder: Path) -> list[str]:
    return sorted(path.name.split()[2] for path in folder.glob("300 items * 0"))


def _texts(run: Path) -> dict[str, str]:
    """Item -> its response, from a run of idf-eval or of lmms-eval, which strips it."""
    from idf.integrations import import_lmms

    path = run / "samples.jsonl"
    if not path.exists():
        path = run / "responses.jsonl"
        import_lmms(sorted(run.glob("**/*_samples_*.jsonl")), path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["id"]: row["response"].strip() for row in rows}


if __name__ == "__main__":
    main()
