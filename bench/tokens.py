"""Writes bench/results/tokens.json: how far lengths estimated without a vocabulary are from those in Qwen's.

`python bench/tokens.py --vocabulary qwen.tiktoken --imagery DIR --traces DIR [--out FILE]`. The vocabulary is the one that
Qwen publishes (the package dashscope carries it as `dashscope/resources/qwen.tiktoken`); tiktoken, which idf does not need
otherwise, applies it to the conversation as the chat template of Qwen2.5-VL renders it. DIR are the folders that
`docs/make_statistics.sh` makes, or others.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from jinja2 import Template
from machine import command, machine

from idf.data import SPLIT, EstimatedTokens, Sample, open_dataset, text_of
from idf.files import package_text

Count = Callable[[str], int]
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vocabulary", type=Path, required=True, help="qwen.tiktoken")
    parser.add_argument("--imagery", type=Path, required=True, help="folder of `idf imagery`")
    parser.add_argument("--traces", type=Path, required=True, help="folder of `idf filter`")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    import tiktoken  # here, so that the table can be made without it
    from tiktoken.load import load_tiktoken_bpe

    ranks = load_tiktoken_bpe(str(arguments.vocabulary))
    marks = {mark: len(ranks) + number for number, mark in enumerate(MARKS)}
    encoding = tiktoken.Encoding("qwen", pat_str=SPLIT, mergeable_ranks=ranks, special_tokens=marks)

    def count(text: str) -> int:
        return len(encoding.encode(text, allowed_special="all"))

    result = {"entries": len(ranks), "command": command(), "machine": machine()}
    for name, folder in {"imagery": arguments.imagery, "traces": arguments.traces}.items():
        result[name] = measure(folder, count)
    print(table(result["imagery"], result["traces"]))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(folder: Path, count: Count) -> dict[str, Any]:
    """What the estimate misses, for each world of a dataset."""
    template = Template(package_text("training/chat_template.jinja"))
    estimate = EstimatedTokens()
    found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for sample in open_dataset(folder, made_by="idf imagery").samples():
        exact = count(template.render(messages=sample.messages)) - len(sample.images)  # pads are vision tokens
        answers = sum(count(text) + 1 for text in said(sample))
        lengths = estimate(sample)
        found[sample.world].append((exact, lengths.prompt + lengths.answer, lengths.answer - answers))
    return {world: report(found[world]) for world in sorted(found)}


def said(sample: Sample) -> list[str]:
    return [text_of(message) for message in sample.messages if message["role"] == "assistant"]


def report(lengths: list[tuple[int, int, int]]) -> dict[str, Any]:
    """The figures of one world, from (exact, estimated, error in the answer) of each sample; errors as shares, in percent."""
    exact = sum(one[0] for one in lengths)
    estimated = sum(one[1] for one in lengths)
    return {
        "samples": len(lengths),
        "tokens_mean": round(fmean(one[0] for one in lengths), 1),
        "error_percent": round(100 * (estimated - exact) / exact, 3),
        "worst_percent": round(min(100 * (one[1] - one[0]) / one[0] for one in lengths), 2),
        "most_missing": max(exact - estimated for exact, estimated, _ in lengths),
        "least_missing": min(exact - estimated for exact, estimated, _ in lengths),
        "exact_share": round(fmean(one[0] == one[1] for one in lengths), 3),
        "answers_off": sum(one[2] != 0 for one in lengths),
    }


def table(imagery: dict[str, Any], traces: dict[str, Any]) -> str:
    """The table of docs/statistics.md."""
    heads = ["world"]
    for name in ("imagery", "traces"):
        heads += [f"{name}: tokens, mean", "all samples", "worst sample", "exact in"]
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for world in imagery:
        cells = [f"`{world}`"]
        for one in (imagery[world], traces[world]):
            cells += [f"{one['tokens_mean']:.0f}", f"{one['error_percent']:.2f} %", f"{one['worst_percent']:.1f} %"]
            cells.append(f"{one['exact_share']:.0%}".replace("%", " %"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
