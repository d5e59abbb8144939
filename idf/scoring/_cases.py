"""Where a scene is shown in part: what a trace says of the states that agree, and which view it names."""

from __future__ import annotations

import re
from typing import Any

from idf.answers import UNDETERMINED
from idf.worlds import PARTS, Problem

from ._thinking import strip_thinking

_VIEW = re.compile(
    r"^\W*(?:(?:settling|deciding|further|additional|best) )?view(?: that (?:would |could )?(?:settles?|decides?)(?: it)?)?"
    r"\W*[:=]\W*"
    r"(?:from )?(?:the )?(?P<side>front|back|top|bottom|left|right|none)\b(?: view| side)?\W*$",
    re.IGNORECASE | re.MULTILINE,
)


def judge_cases(problem: Problem[Any, Any], lines: list[str], level: str) -> tuple[str, str] | None:
    """Compare what a right trace says of the states that agree with all of them.

    Args:
        problem: A problem of a world that shows its scenes in part.
        lines: The lines of the trace.
        level: "process" wants all cases that decide the answer; "consistent" nothing false, and one that is true.

    Returns:
        As `replay_claims`.
    """
    found = PARTS[problem.world].evidence(problem, lines)
    if found.false:
        return "lucky", found.false
    if level == "process" and found.missing:
        return "unproven", found.missing
    if not found.said:
        return "unproven", "no case that agrees with what is shown is told"
    return None


def stated_view(response: str) -> str | None:
    """The view that the last line `View: <side>` names, "none" included; None if there is no such line."""
    found = list(_VIEW.finditer(strip_thinking(response)))
    return found[-1]["side"].lower() if found else None


def is_answerable(problem: Problem[Any, Any]) -> bool | None:
    """Whether what is shown decides the answer; None in a world that shows all of its scenes."""
    part = PARTS.get(problem.world)
    return None if part is None else bool(part.truth(problem) != UNDETERMINED)


def names_settling_view(problem: Problem[Any, Any], response: str) -> bool | None:
    """Whether a response names a view that would settle the problem, or rightly none; None if that is not asked.

    It is asked of a problem that cannot be determined, in a world that has views.
    """
    part = PARTS.get(problem.world)
    if part is None or not part.asks_view or is_answerable(problem):
        return None
    return stated_view(response) in (part.settling(problem) or {"none"})


def chance_of_view(problem: Problem[Any, Any]) -> float | None:
    """How often somebody is right who draws the settling view among those not shown nor asked and "none"; None as above."""
    if names_settling_view(problem, "") is None:
        return None
    part = PARTS[problem.world]
    return max(1, len(part.settling(problem))) / (len(part.further_views(problem)) + 1)
