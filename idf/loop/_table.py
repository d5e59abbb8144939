"""Rounds as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ._files import Facts


def loop_table(rounds: Sequence[Facts]) -> str:
    """Accuracy on the held-out suite by round, then success and weight of each cell by round.

    Args:
        rounds: As `rounds.json` lists them.
    """
    modes = list(rounds[0]["accuracy"])
    lines = ["round  " + "  ".join(f"{mode:>19}" for mode in modes) + "  on the probe  drawn  solved  oracle  updates"]
    for told in rounds:
        scores = "  ".join(f"{_score(told['accuracy'][mode]):>19}" for mode in modes)
        cells = told.get("cells", {}).values()
        rest = ""
        if cells:
            right, n, drawn, solved, oracle = (
                sum(cell[key] for cell in cells) for key in ("right", "n", "drawn", "solved", "oracle")
            )
            rest = f"  {right / n:>12.1%}  {drawn:>5}  {solved:>6}  {oracle:>6}  {told['updates']:>7}"
        lines.append(f"{told['round']:>5}  {scores}{rest}")
    lines.append(
        "accuracy on the held-out suite after each round, mean over worlds, with its 95 % interval (bootstrap); success"
    )
    lines.append("on the probe before it. Success and, in brackets, weight of each cell:")
    numbered = [told for told in rounds if "cells" in told]
    if numbered:
        width = max(map(len, numbered[0]["cells"]))
        lines.append(" " * width + "".join(f"  {'round ' + str(told['round']):>16}" for told in numbered))
        for cell in numbered[0]["cells"]:
            shown = (f"  {_cell(told['cells'][cell]):>16}" for told in numbered)
            lines.append(f"{cell:<{width}}" + "".join(shown))
    return "\n".join(lines)


def _score(told: Facts) -> str:
    low, high = told["bootstrap95"]
    return f"{told['accuracy']:.1%} ({100 * low:.0f} - {100 * high:.0f})"


def _cell(told: Facts) -> str:
    return f"{told['right']}/{told['n']} ({told['weight']:.1%})"
