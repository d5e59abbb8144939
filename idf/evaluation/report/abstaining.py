"""When not to answer, as lines of a table: the same in the terminal, in `report.md` and in `report.html`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..metrics.abstaining import ALL

COLUMNS = (
    "world",
    "mode",
    "player",
    "answerable",
    "accuracy there",
    "95 % interval",
    "undetermined",
    "abstained",
    "recall",
    "precision",
    "settling view",
    "drawn view",
)
LEGEND = (
    "accuracy there: of the items that what is shown decides; abstaining is wrong there",
    "recall: of the items that cannot be determined, the share in which the response abstains; precision: of the responses that "
    "abstain, the share in which that is right",
    "settling view: of the items that cannot be determined and ask for it, the share in which a named view would settle it; "
    "drawn view: what "
    "a view has that is drawn among those not shown nor asked, and none",
    "never: a player who is right wherever there is an answer and never abstains; always: one who always abstains",
)


def abstaining_lines(results: Mapping[str, Any], *, difficulties: bool = False) -> list[tuple[str, ...]]:
    """Three lines of texts for each world and mode (what was evaluated, never, always), in the order of COLUMNS.

    Nothing if no world shows its scenes in part.

    Args:
        results: What `results.json` says.
        difficulties: Whether each difficulty has its lines too; its name stands behind that of the world.
    """
    lines: list[tuple[str, ...]] = []
    for world, modes in (results.get("abstaining") or {}).items():
        for mode, cells in modes.items():
            for difficulty, cell in cells.items():
                if difficulty != ALL and not difficulties:
                    continue
                name = world if difficulty == ALL else f"{world} {difficulty}"
                counts = str(cell["answerable"]), str(cell["undetermined"])
                n = cell["answerable"] + cell["undetermined"]
                lines.append(
                    (
                        name,
                        mode,
                        "evaluated",
                        counts[0],
                        _percent(cell["accuracy"]),
                        "-" if cell["accuracy95"] is None else " - ".join(f"{end:.1%}" for end in cell["accuracy95"]),
                        counts[1],
                        str(cell["abstained"]),
                        _percent(cell["recall"]),
                        _percent(cell["precision"]),
                        _percent(cell["views_right"] / cell["views_asked"] if cell["views_asked"] else None),
                        _percent(cell["views_chance"]),
                    )
                )
                for player, silent in (("never", 0), ("always", n)):
                    shares = (cell[player][key] for key in ("accuracy", "recall", "precision"))
                    accuracy, recall, precision = map(_percent, shares)
                    lines.append(
                        (
                            name,
                            mode,
                            player,
                            counts[0],
                            accuracy,
                            "-",
                            counts[1],
                            str(silent),
                            recall,
                            precision,
                            "-",
                            "-",
                        )
                    )
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
