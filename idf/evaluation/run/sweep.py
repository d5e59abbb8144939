"""One model, one suite, pictures that get worse or smaller: accuracy against each, with text alone as the floor."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from idf.drawing import DAMAGES, vision_tokens
from idf.errors import UserError
from idf.suites import open_suite

from ..report.markdown import markdown, markdown_list, markdown_table
from ..report.tables import MEAN, aligned, interval, macro_interval, percent
from .evaluation import form_of, items_of, max_pixels_of, run_evaluation
from .output import locked
from .picture import seen_size
from .recipe import DEFAULT_MODES, EvaluationRecipe

OVER = ("damage", "max_pixels")
"""Keys of a recipe that can be swept over."""
NONE = "none"
TEXT = "text alone"


def read_sweep(text: str) -> tuple[str, list[str | int | None]]:
    """What `--sweep` asks for: "damage", "damage=blur-1,blur-2", or "max_pixels=50176,200704".

    Returns:
        The key, and its values in order; None stands for pictures without damage, which come first.

    Raises:
        UserError: It is none of these.
    """
    over, _, told = text.partition("=")
    if over not in OVER or (over == "max_pixels" and not told):
        raise UserError(f"--sweep takes damage, damage=NAME,NAME,... or max_pixels=N,N,..., not {text!r}")
    named = [name.strip() for name in told.split(",")] if told else list(DAMAGES)
    if over == "damage":
        if strange := [name for name in named if name not in DAMAGES]:
            raise UserError(f"--sweep: unknown damage {strange[0]!r}: use some of {', '.join(DAMAGES)}")
        return over, [None, *dict.fromkeys(named)]
    if strange := [name for name in named if not (name.isascii() and name.isdecimal())]:
        raise UserError(f"--sweep: max_pixels takes whole numbers, separated by commas, not {strange[0]!r}")
    sizes: list[str | int | None] = [*sorted({int(name) for name in named})]
    return over, sizes


def run_sweep(
    recipe: EvaluationRecipe,
    sweep: str,
    out: Path,
    *,
    answers: Path | None = None,
    share: tuple[int, int] | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
    show: bool = True,
) -> dict[str, Any] | None:
    """Evaluate once for each value, into a folder each, and once with the text alone; write `sweep.json` and `sweep.md`.

    What was answered is not asked again: a sweep that was killed resumes.

    Args:
        recipe: The evaluation; its modes say which pictures are shown.
        sweep: As `read_sweep` takes it.
        out: The folder. Each value gets a folder in it, by its name; all share `out/answers`.
        answers: Folder of answers; None for `out/answers`.
        share: (i, n): ask only the i-th share of n, and write no results.
        overwrite: Whether results of another evaluation in a value's folder are replaced.
        say: Says in a sentence what was found.
        show: Whether to show progress bars.

    Returns:
        What `sweep.json` says; None for a worker's share.

    Raises:
        UserError: What is asked for makes no sense, or an evaluation ended early.
    """
    over, values = read_sweep(sweep)
    _check(recipe, over)
    recipe.check()
    pictured = [mode for mode in recipe.modes or DEFAULT_MODES if mode != "tqa"]
    answers = answers or out / "answers"
    settings: dict[str, Any] = {"answers": answers, "share": share, "overwrite": overwrite, "say": say, "show": show}
    with locked(out) if share is None else nullcontext():
        text = run_evaluation(replace(recipe, modes=["tqa"]), out / "text", **settings)
        points = []
        for value in values:
            asked: EvaluationRecipe = replace(recipe, modes=pictured, **{over: value})  # type: ignore[arg-type]
            if over == "max_pixels":
                asked = replace(asked, other_pixels=True)
            name = f"{over}-{value}" if over == "max_pixels" else value or NONE
            results = run_evaluation(asked, out / str(name), **settings)
            if results is not None:
                points.append((value, str(name), results, _tokens(asked)))
    if text is None:
        return None
    told = {
        "over": over,
        "evaluated": recipe.title,
        "suite": text["run"]["suite"],
        "text": _point(None, "text", text, 0.0, "tqa"),
        "points": {mode: [_point(*point, mode) for point in points] for mode in pictured},
    }
    (out / "sweep.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    (out / "sweep.md").write_text(_markdown(told), encoding="utf-8")
    for mode in pictured:
        say(f"\n{mode}\n" + "\n".join([*aligned(_rows(told, mode)), "", *_legend()]))
    say(f"sweep: {out / 'sweep.md'}")
    return told


def _check(recipe: EvaluationRecipe, over: str) -> None:
    if recipe.checkpoint is None:
        raise UserError("--sweep asks a model: name a checkpoint")
    if recipe.episodes or recipe.held_out:
        raise UserError(f"--sweep does not go with --{'episodes' if recipe.episodes else 'held-out'}")
    if recipe.suite is None:
        raise UserError("--sweep asks one suite again and again: name it with --suite (idf suite makes one)")
    if getattr(recipe, over) is not None:
        raise UserError(f"--sweep chooses {over}: leave {over}={getattr(recipe, over)} out")
    if recipe.pictures == "both":
        raise UserError("--sweep takes one kind of pictures: auto, published or drawn")
    if set(recipe.modes or DEFAULT_MODES) == {"tqa"}:
        raise UserError("--sweep asks with pictures, and the mode tqa shows none: ask vqa or vtqa")


def _tokens(recipe: EvaluationRecipe) -> float:
    """Vision tokens of a picture, the mean over the items that are asked."""
    pixels, suite = max_pixels_of(recipe), str(recipe.suite)
    items = items_of(open_suite(suite), recipe)
    form = form_of(recipe, suite, items, pixels)
    return fmean(vision_tokens(seen_size(item, pixels, item.world in form.redraw_worlds)) for item in items)


def _point(value: str | int | None, folder: str, results: dict[str, Any], tokens: float, mode: str) -> dict[str, Any]:
    """One evaluation in one mode."""
    macro = results["macro"][mode]
    worlds = {world: modes[mode]["all"] for world, modes in results["worlds"].items()}
    right, asked = (sum(cell[key] for cell in worlds.values()) for key in ("correct", "n"))
    return {
        "value": value,
        "folder": folder,
        "n": asked,
        "accuracy": macro["accuracy"],
        "interval95": macro_interval(macro),
        "worlds": {world: cell["accuracy"] for world, cell in worlds.items()},
        "vision_tokens": tokens,
        "right_per_1000_vision_tokens": 1000 * right / (asked * tokens) if tokens else None,
    }


def _rows(told: dict[str, Any], mode: str) -> list[tuple[str, ...]]:
    """A line for each value, and one for the text alone."""
    worlds = list(told["text"]["worlds"])
    header = [told["over"], "n", MEAN, "95 % interval", *worlds, "vision tokens", "right per 1,000 vision tokens"]
    lines = [tuple(header)]
    for point in (*told["points"][mode], told["text"]):
        per_token = point["right_per_1000_vision_tokens"]
        named = TEXT if point is told["text"] else NONE if point["value"] is None else str(point["value"])
        lines.append(
            (
                named,
                str(point["n"]),
                percent(point["accuracy"]),
                interval(point["interval95"]),
                *(percent(point["worlds"].get(world)) for world in worlds),
                f"{point['vision_tokens']:,.0f}",
                "-" if per_token is None else f"{per_token:.2f}",
            )
        )
    return lines


def _legend() -> list[str]:
    return [
        f"{TEXT}: the mode tqa, without a picture: what is left if nothing is seen",
        "vision tokens: of a picture, the mean over the items",
    ]


def _markdown(told: dict[str, Any]) -> str:
    parts = [f"## {markdown(told['evaluated'])} over {told['over']}", f"Suite {markdown(told['suite'])}."]
    for mode in told["points"]:
        parts += [f"### {mode}", markdown_table(_rows(told, mode))]
    return "\n\n".join([*parts, markdown_list(_legend())]) + "\n"
