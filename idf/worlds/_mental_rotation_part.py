"""Mental Rotation in part: two or three views of a structure, its number of cubes and its bounding box."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from idf.answers import UNDETERMINED, AnswerKind, OrUndetermined
from idf.answers.colour_counts import ColourCounts

from ._part import Evidence, PartWorld
from ._rng import Rng
from ._sampling import split_of
from ._views import ANY, EMPTY, MOST_OPEN, Box, View, agreeing, in_box, look, open_cells, read_view, settles, write_view
from ._world import Problem
from .mental_rotation import COLOURS, TOWARDS, VIEWS, Cell, Structure, orientations
from .mental_rotation import WORLD as WHOLE
from .mental_rotation import Query as WholeQuery

_MOST_CASES = 24  # structures that agree, of a problem that is posed: its solution must be told
_CHOICES = 40  # of views, tried for a structure before another one is drawn
_CASE = re.compile(r"\W*case\b(?P<case>[^:]*):(?P<answer>.*)", re.IGNORECASE)
_CUBE = re.compile(r"([a-z]+|\?) \(?(\d), ?(\d), ?(\d)\)?")
_COUNT = re.compile(r"([a-z]+|\?) (\d+)")


class Query(NamedTuple):
    """What is seen from `view`, of a structure of which some `views` are shown, its number of `cubes` and its `box`."""

    views: str
    cubes: str
    box: str
    view: str


class _Shown(NamedTuple):
    """What a query shows, as values."""

    views: dict[str, View]
    cubes: int
    box: Box


class MentalRotationPart(PartWorld[Structure, Query]):
    """The world of structures of which views are shown. All structures agree that look so."""

    name = "mental_rotation_part"
    version = 1
    query_type = Query
    full = WHOLE
    colours = COLOURS
    actions = WHOLE.actions
    look = "Write each view that is shown: its name, then its rows from top to bottom, a dot where nothing is seen."
    bins = WHOLE.bins
    always_legal = True
    asks_view = True
    form_of_cases = (
        "Write one line for each structure that agrees with what is shown, and what is visible of it from the side that is "
        "asked; x, y and z begin at 0 in the box, and a question mark stands for a colour that no view shows. In this form "
        "(another structure, only to show the form): Case red (0,0,0); ? (1,0,0): 2 cubes: red 1, ? 1"
    )
    rule = (
        "A structure of coloured unit cubes that touch face to face is seen from some sides. A view shows, along each line of "
        "sight, the cube nearest to the viewer."
    )

    def scene(self, problem: Problem[Structure, Query]) -> Problem[Structure, WholeQuery]:
        return Problem(WHOLE.name, problem.difficulty, problem.start, WholeQuery(problem.query.view))

    def shown(self, problem: Problem[Structure, Query]) -> str:
        names = [view.split(":")[0] for view in problem.query.views.split(" | ")]
        return self.told(_query_of(problem.start, names, problem.query.view))

    def told(self, query: Query) -> str:
        return f"{query.cubes} cubes in a box of {query.box.replace(' ', ' x ')}; {query.views}"

    def part_key(self, problem: Problem[Structure, Query]) -> str:
        """The structures that agree, in all orientations, make it up: the least of them stands for all."""
        cases = _cases(problem.query.views, problem.query.cubes, problem.query.box)
        least = min(min(orientations(tuple(sorted(case.items())))) for case in cases)
        return WHOLE.write(least)

    def pose_in(self, rng: Rng, difficulty: str, split: str | None) -> Problem[Structure, Query]:
        """One of two problems about one structure that look alike at a glance: one has an answer, the other has none.

        So neither the structure, nor how many views are shown, nor whether the one opposite to that asked is among them, nor
        how many cubes the fullest of them hides tells whether there is an answer.
        """
        while True:
            start = self.draw(rng, difficulty)
            side = split_of(WHOLE, WHOLE.keys(Problem(WHOLE.name, difficulty, start, WholeQuery(VIEWS[0]))))
            if split not in (None, side):
                continue
            number = 2 + rng.below(2)
            found: dict[tuple[bool, int], dict[bool, Problem[Structure, Query]]] = {}
            for _ in range(_CHOICES):
                *names, asked = rng.shuffled(VIEWS)[: number + 1]
                query = _query_of(start, names, asked)
                shown = _shown(query.views, query.cubes, query.box)
                if len(open_cells(shown.views, shown.box)) > MOST_OPEN:
                    continue
                problem = Problem(self.name, difficulty, start, query)
                if len(_cases(query.views, query.cubes, query.box)) > _MOST_CASES or self.part_side(problem) != side:
                    continue
                hidden = len(start) - max(sum(colour != EMPTY for colour in seen) for seen in shown.views.values())
                alike = found.setdefault((_opposite(asked) in names, hidden), {})
                alike.setdefault(self.decided(problem) is not None, problem)
                if len(alike) == 2:
                    return alike[rng.chance(0.5)]

    def _question(self, problem: Problem[Structure, Query], *, short: bool, described: bool) -> str:
        views, cubes, box, view = problem.query
        seen = f"Views: {views}. " if described else "The views that are shown are in the picture. "
        stated = f"There are {cubes} cubes, and the box around them is {box.replace(' ', ' x ')} (x, y, z). "
        asked = f"How many cubes are visible from the {view}, and how many of each colour? "
        end = (
            "If what is shown does not decide it, write a line View: <side> with another side whose view would settle it "
            f"whatever it shows (or View: none), and the answer is: {UNDETERMINED}."
        )
        if short:
            return f"{seen}{stated}{asked}{end}"
        return (
            "A structure is built of coloured unit cubes that touch face to face; each is red, yellow, blue, green, gray or "
            "black. Cells are written (x,y,z): x grows to the right, y upwards, z to the front. Seen straight from one side, "
            "along each line of sight only the cube nearest to the viewer is visible. Views are written row by row from top to "
            "bottom, a dot where nothing is seen; from the top the back is up, from the bottom the front is up. "
            f"{seen}{stated}Nothing else is known of the structure. {asked}{end}"
        )

    def answer(self, problem: Problem[Structure, Query]) -> AnswerKind:
        return OrUndetermined(ColourCounts(COLOURS, asked=(problem.query.view,)))

    def decided(self, problem: Problem[Structure, Query]) -> dict[str, int] | None:
        views, cubes, box, view = problem.query
        if view not in VIEWS or f"{view}:" in views:
            raise ValueError(f"the view that is asked is one of {', '.join(VIEWS)} that is not shown, not {view!r}")
        answers = [_counts(case, view, _shown(views, cubes, box).box) for case in _cases(views, cubes, box)]
        if not answers:
            raise ValueError("no structure agrees with what is shown")
        return answers[0] if ANY not in answers[0] and all(answer == answers[0] for answer in answers) else None

    def settling(self, problem: Problem[Structure, Query]) -> frozenset[str]:
        views, cubes, box, asked = problem.query
        if self.decided(problem) is not None:
            return frozenset()
        shown, cases = _shown(views, cubes, box), _cases(views, cubes, box)
        return frozenset(view for view in self.further_views(problem) if settles(cases, asked, view, shown.box))

    def further_views(self, problem: Problem[Structure, Query]) -> tuple[str, ...]:
        return tuple(view for view in VIEWS if view != problem.query.view and f"{view}:" not in problem.query.views)

    def initial(self, problem: Problem[Structure, Query]) -> dict[str, int]:
        """What the opposite side shows, or the first view that is shown."""
        shown = _shown(*problem.query[:3])
        seen = shown.views.get(_opposite(problem.query.view)) or next(iter(shown.views.values()))
        return {colour: seen.count(colour) for colour in COLOURS if colour in seen}

    def asked(self, problem: Problem[Structure, Query]) -> str:
        return problem.query.view

    # --- in words

    def narrate(self, problem: Problem[Structure, Query]) -> str:
        """Every structure that agrees with what is shown, and what it shows from the side that is asked."""
        views, cubes, box, asked = problem.query
        shown, cases = _shown(views, cubes, box), _cases(views, cubes, box)
        cells = " ".join(f"({x},{y},{z})" for x, y, z in open_cells(shown.views, shown.box))
        lines = [f"Cells that may hold a cube: {cells}"]
        lines += [f"Case {_written(case)}: {_counts_text(_counts(case, asked, shown.box))}" for case in cases]
        if self.decided(problem) is not None:
            return "\n".join([*lines, "All cases agree."])
        return "\n".join([*lines, "The answer is not the same in all cases.", self.view_line(problem)])

    def evidence(self, problem: Problem[Structure, Query], lines: Sequence[str]) -> Evidence:
        """Lines "Case red (0,0,0); ? (1,0,0): 2 cubes: red 1, ? 1", "?" for a colour that no view shows."""
        views, cubes, box, asked = problem.query
        truths = {
            frozenset(case.items()): _counts(case, asked, _shown(views, cubes, box).box)
            for case in _cases(views, cubes, box)
        }
        said: dict[frozenset[tuple[Cell, str]], tuple[tuple[str, int], ...]] = {}
        for line in lines:
            match = _CASE.fullmatch(line)
            if match is None:
                continue
            named = _CUBE.findall(match["case"].casefold().replace("grey", "gray"))
            case = frozenset(((int(x), int(y), int(z)), colour) for colour, x, y, z in named)
            if case not in truths:
                return Evidence(f"{line.strip()!r} is no structure that agrees with what is shown", None, len(said))
            counts = _COUNT.findall(match["answer"].casefold().replace("grey", "gray").rpartition(":")[2])
            if {colour: int(n) for colour, n in counts} != truths[case]:
                return Evidence(f"{line.strip()!r}, true is {_counts_text(truths[case])}", None, len(said))
            said[case] = tuple(sorted(truths[case].items()))
        if self.decided(problem) is None:
            enough = len(set(said.values())) > 1 or any(
                colour == ANY for counts in said.values() for colour, _ in counts
            )
        else:
            enough = len(said) == len(truths)
        return Evidence(None, None if enough else f"{len(said)} of {len(truths)} structures are told", len(said))


def _opposite(view: str) -> str:
    away = tuple(-n for n in TOWARDS[view])
    return next(other for other in VIEWS if TOWARDS[other] == away)


def _query_of(start: Structure, names: Sequence[str], asked: str) -> Query:
    colours, box = in_box(start)
    views = " | ".join(write_view(name, look(colours, name, box), box) for name in VIEWS if name in names)
    return Query(views, str(len(start)), " ".join(map(str, box)), asked)


@lru_cache(maxsize=1024)
def _shown(views: str, cubes: str, box: str) -> _Shown:
    """What a query shows.

    Raises:
        ValueError: A number or a view is none.
    """
    x, y, z = map(int, box.split())
    return _Shown(dict(read_view(view, (x, y, z)) for view in views.split(" | ")), int(cubes), (x, y, z))


@lru_cache(maxsize=1024)
def _cases(views: str, cubes: str, box: str) -> list[dict[Cell, str]]:
    """All structures that agree with what a query shows; not to be changed."""
    shown = _shown(views, cubes, box)
    return agreeing(shown.views, shown.box, shown.cubes)


def _counts(case: Mapping[Cell, str], view: str, box: Box) -> dict[str, int]:
    """How many cubes of each colour a structure shows, ANY last; without noughts."""
    seen = look(case, view, box)
    return {colour: seen.count(colour) for colour in (*COLOURS, ANY) if colour in seen}


def _counts_text(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    parts = ", ".join(f"{colour} {n}" for colour, n in counts.items())
    return f"{total} cube{'' if total == 1 else 's'}: {parts}"


def _written(case: Mapping[Cell, str]) -> str:
    return "; ".join(f"{colour} ({x},{y},{z})" for (x, y, z), colour in case.items())


WORLD = MentalRotationPart()
