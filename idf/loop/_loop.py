"""The loop: rounds, one after the other, and a table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from idf.errors import UserError
from idf.evaluation import max_pixels_of
from idf.recipe import differences, to_plain
from idf.suites import SuiteRecipe, generate_suite, open_suite, suite_name
from idf.training.run_lock import lock_run

from ._files import Facts, once, read_facts, write_facts
from ._probe import count_shared, make_probe
from ._recipe import LoopRecipe
from ._round import Round
from ._table import loop_table


def run_loop(recipe: LoopRecipe, say: Callable[[str], None] = print) -> list[Facts]:
    """Run all rounds that are not whole yet; the same call resumes wherever an earlier one ended.

    Args:
        recipe: What the loop consists of.
        say: Says in a sentence what is done.

    Returns:
        The rounds as `rounds.json` lists them, round 0 (the checkpoint that the loop begins with) first.

    Raises:
        UserError: The folder holds another loop, or a part failed; what is whole is kept.
    """
    recipe.check()
    out = Path(recipe.out)
    lock_run(out, patience_seconds=5)
    _refuse_another(recipe, out / "loop.json")
    max_pixels = max_pixels_of(replace(recipe.evaluation, checkpoint=recipe.model))
    suite = _suite(recipe, out / "suite", max_pixels)
    probe = once(out / "probe.json", lambda: make_probe(recipe, out / "probe", max_pixels))
    reported = [item.problem for item in open_suite(suite)]
    measured = [item.problem for item in open_suite(str(out / "probe"))]
    shared = count_shared(measured, "the probe", reported, suite)
    say(f"{len(probe['cells'])} cells, {len(measured)} problems to measure on; {shared} of their scenes are in {suite}")
    if recipe.train.stage == "stage3":
        say("traces.teacher is not used: in stage 3 the checkpoint answers while it trains")
    rounds: list[Facts] = []
    for number in range(recipe.rounds + 1):
        Round(recipe, number, suite, say).run()
        rounds.append(_told(out / f"round-{number}"))
        write_facts(out / "rounds.json", {"draw": recipe.draw, "floor": recipe.floor, "rounds": rounds})
    say(loop_table(rounds))
    return rounds


def _refuse_another(recipe: LoopRecipe, path: Path) -> None:
    """Remember the resolved recipe; refuse a folder that was begun with another one.

    Raises:
        UserError: A key differs that may not.
    """
    if path.exists():
        for found in differences(recipe, read_facts(path)):
            if found.may_change is None:
                raise UserError(
                    f"{path.parent} was begun with {found.key} {found.begun!r}, and it is {found.now!r} now: go back to that, or "
                    "choose another out="
                )
    write_facts(path, to_plain(recipe))


def _suite(recipe: LoopRecipe, out: Path, max_pixels: int) -> str:
    """The suite that checkpoints are evaluated on: the recipe's, or one that is generated, the same for every seed."""
    if recipe.evaluation.suite is not None:
        return suite_name(recipe.evaluation.suite)
    if not (out / "suite.json").exists():
        made = SuiteRecipe(
            items=recipe.items, worlds=recipe.worlds, difficulties=recipe.difficulties, max_pixels=max_pixels
        )
        generate_suite(made, out)
    return str(out)


def _told(folder: Path) -> Facts:
    """A round in short: where its checkpoint lies, what that scored, and how success, weights and problems are spread."""
    told = read_facts(folder / "done.json")
    macro = told.pop("macro")
    told["accuracy"] = {
        mode: {key: numbers[key] for key in ("accuracy", "bootstrap95")} for mode, numbers in macro.items()
    }
    if not (folder / "weights.json").exists():  # round 0
        return told
    weights, drawn = (read_facts(folder / f"{name}.json") for name in ("weights", "drawn"))
    told |= {"updates": read_facts(folder / "trained.json")["updates"], "samples": drawn["samples"]}
    nothing = {"drawn": 0, "solved": 0, "oracle": 0}
    cells = {cell: numbers | drawn["cells"].get(cell, nothing) for cell, numbers in weights["cells"].items()}
    return told | {"cells": cells}
