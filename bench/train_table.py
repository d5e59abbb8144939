"""What docs/training.md and README.md quote of bench/results/train.json, written between marks in both.

`python bench/train_table.py` writes it anew after `bench/train.py`; a test holds the pages to it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "bench/results/train.json"
PACKED, LONG = "packed", "packed in long rows"


def main() -> None:
    result = json.loads(RESULT.read_text())
    for name, text in texts(result).items():
        path = ROOT / name
        path.write_text(with_text(path.read_text(), text))


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What each page says of a result."""
    return {"docs/training.md": "\n\n".join([speed(result), memory(result)]), "README.md": sentence(result)}


def with_text(page: str, text: str, name: str = "train.json") -> str:
    """A page with another text between the marks of this name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)


def speed(result: dict[str, Any]) -> str:
    """The table of ways, ours first and then the fastest first."""
    short, long = (f"{result['settings'][name]:,}" for name in ("tokens_per_row", "long_rows"))
    names = {PACKED: f"**ours, rows of {short}**", LONG: f"**ours, rows of {long}**", "unpacked": "ours, 8 padded"}
    lines = [
        f"| way | useful tokens a CPU-second | ours, rows of {short}: times | rows of {long}: times | padding | passes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    ways = result["ways"]
    for way in sorted(ways, key=lambda way: (way not in names, -ways[way]["useful_tokens_per_cpu_second"])):
        figure = ways[way]
        times = [_times(figure["ours_times"][ours]) if way not in names else "" for ours in (PACKED, LONG)]
        cells = [names.get(way, way), f"{figure['useful_tokens_per_cpu_second']:,.0f}", *times]
        lines.append(
            "| " + " | ".join([*cells, f"{100 * figure['padding_share']:.1f} %", str(figure["passes"])]) + " |"
        )
    lines += [f"| {way} | not measured: {why} | | | | |" for way, why in result["not_run"].items()]
    return "\n".join(lines)


def memory(result: dict[str, Any]) -> str:
    """The table of memory at equal positions."""
    lines = [
        "| beside | most positions in a micro-batch | its steps add, MiB | ours at as many, MiB | share |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in result["memory"]:
        lines.append(
            f"| {row['way']} | {row['positions']:,} | {row['mib']:,} | {row['ours_mib']:,} | {row['share']:.2f} |"
        )
    return "\n".join(lines)


def sentence(result: dict[str, Any]) -> str:
    """README's: speed beside the strongest of each peer, then memory, then exactness."""
    ways, rows = result["ways"], {row["way"]: row for row in result["memory"]}
    beside = []
    for way in result["strongest"]:
        times = [ways[way]["ours_times"][ours]["times"] for ours in (PACKED, LONG)]
        beside.append(f"{times[0]:.2f} and {times[1]:.2f} times as fast as {way}")
    shares = [rows[way]["share"] for way in result["strongest"]]
    lengths = " and ".join(f"{result['settings'][name]:,}" for name in ("tokens_per_row", "long_rows"))
    tests = "[tests](docs/training.md#what-was-promised-and-where-it-is-tested)"
    exact = f"losses and gradients are those of each sample alone ({tests})"
    stock = [way for way in ways if way.startswith("Trainer") and "sorted" not in way]  # whose first step is ours
    if stock and "unpacked" in ways:
        losses = [ways[way]["first_loss"] for way in ("unpacked", stock[0])]
        exact = f"the first loss of the same samples is {losses[0]:.5f}, Trainer's {losses[1]:.5f}"
    memory = ", ".join(f"{share:.2f}" for share in shares)
    return (
        f"  On a CPU, rows of {lengths} tokens learn {'; '.join(beside)} (the fastest settings found, by micro-batch;\n"
        f"  useful tokens a CPU-second); a step adds {memory} of their memory at equal positions; {exact}."
    )


def _times(found: dict[str, Any]) -> str:
    spread = ", ".join(f"{ratio:.2f}" for ratio in found["passes"])
    return f"{found['times']:.2f}" + (f" ({spread})" if len(found["passes"]) > 1 else "")


if __name__ == "__main__":
    main()
