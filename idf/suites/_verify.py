"""`idf verify`: does our simulator agree with every published answer?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from idf.answers import plain_colours, spelled_as
from idf.errors import UserError
from idf.worlds import WORLDS
from idf.worlds.moving_box import least_pushes

from ._spatialite import MAIN_FILES, PublishedRow, _rubiks_state, find_published, read_published

# The bands that SpatiaLite prints into its Wood Slide pictures, by the suffix of the picture's name.
WOOD_SLIDE_BANDS = {"very_easy": range(2, 6), "easy": range(5, 9), "medium": range(9, 13), "hard": range(13, 16)}


@dataclass(frozen=True)
class Agreement:
    """How a published file fares.

    Attributes:
        file: Name of the file.
        items: Its number of items.
        disagreements: (item id, one sentence) for each item that does not agree.
    """

    file: str
    items: int
    disagreements: list[tuple[str, str]]


def verify_published(root: Path) -> list[Agreement]:
    """Replay every item of the five main files.

    Described tasks must give the published answer; planning tasks must be solvable by a plan that the verifier
    accepts; Moving Box's answer must be the least number of pushes; Wood Slide's distance must lie in its band.

    Args:
        root: A clone of SpatiaLite.

    Raises:
        UserError: A file is missing or a row cannot be read.
    """
    if (root / "suite.json").exists():
        raise UserError(
            f"{root} is a suite of idf suite: idf verify replays published items, so name a clone of SpatiaLite"
        )
    report = []
    for name, world in MAIN_FILES.items():
        rows = read_published(find_published(root, name))
        found = []
        for row in rows:
            try:
                why = _CHECKS[world](row)
            except (KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{name}, line {row.line}: no published answer to compare with ({error!r})") from None
            if why:
                found.append((row.id, why))
        report.append(Agreement(name, len(rows), found))
    return report


def _colour_answer(row: PublishedRow) -> str | None:
    world = WORLDS[row.problem.world]
    truth, published = world.truth(row.problem), str(row.data["answer"])
    stated = plain_colours(published.lower()).rstrip(".").split()
    if not stated or stated[-1] != truth:
        return f"published answer {published!r}, simulated {truth!r}"
    return None


def _rubiks_cube(row: PublishedRow) -> str | None:
    world = WORLDS["rubiks_cube"]
    truth, published = world.truth(row.problem), row.data["answer"]
    if str(truth) != spelled_as(str(published), world.colours):
        return f"published answer {published!r}, simulated {truth!r}"
    end = world.replay(row.problem.start, world.solve(row.problem))[-1]
    if end != _rubiks_state(row.data["final_state"]):
        return "the published final state is not the simulated one"
    return None


def _mental_rotation(row: PublishedRow) -> str | None:
    truth = WORLDS["mental_rotation"].truth(row.problem)
    published = plain_colours(str(row.data["answer"]).lower())
    total = re.search(r"total of (\d+) cube", published)
    counts = {colour: int(n) for colour, n in re.findall(r"(\w+): (\d+) cube", published)}
    if counts != truth or total is None or int(total[1]) != sum(truth.values()):
        return f"published answer {published!r}, simulated {truth}"
    return None


def _planning(row: PublishedRow) -> str | None:
    world = WORLDS[row.problem.world]
    plan = world.solve(row.problem)
    outcome = world.judge(row.problem, plan)
    return None if outcome.correct else f"the solver's plan {' '.join(plan)} fails: {outcome.detail}"


def _moving_box(row: PublishedRow) -> str | None:
    pushes, published = least_pushes(row.problem.start), row.data["answer"]
    if str(pushes) != str(published):
        return f"published answer {published!r}, least number of pushes {pushes}"
    return _planning(row)


def _wood_slide(row: PublishedRow) -> str | None:
    band = re.search(r"\d_(very_easy|easy|medium|hard)\.", str(row.data["image"]))
    if band is None:
        return f"the picture's name {row.data['image']!r} states no band"
    distance = WORLDS["wood_slide"].size(row.problem)
    if distance not in WOOD_SLIDE_BANDS[band[1]]:
        wanted = WOOD_SLIDE_BANDS[band[1]]
        return f"distance {distance} is outside the band {band[1]} ({wanted[0]}-{wanted[-1]} steps)"
    return _planning(row)


_CHECKS = {
    "cube_rolling": _colour_answer,
    "mental_rotation": _mental_rotation,
    "rubiks_cube": _rubiks_cube,
    "moving_box": _moving_box,
    "wood_slide": _wood_slide,
}
