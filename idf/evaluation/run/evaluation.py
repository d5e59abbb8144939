"""One evaluation from end to end: who plays what, what came, and what is written."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from idf.backends import backend_class, left_out, notes_on, open_backend, sampling_facts, without_answer
from idf.errors import UserError
from idf.files import read_text
from idf.recipe import to_plain
from idf.suites import HELD_OUT_OF, Item, SuiteRecipe, check_held_out, distinct, open_suite, suite_name

from ..metrics.episodes import EPISODE_PROMPTS
from ..metrics.row import Row
from ..metrics.wording import wording_gap
from ..report.exercises import exercise_table
from ..report.markdown import write_markdown
from ..report.modes import gap_table, step_table
from ..report.plots import write_summary_png
from ..report.report import write_report
from ..report.tables import abstaining_table, efficiency_table, image_table, table
from ..report.turns import turn_table
from ..report.wording import wording_table
from .answers import Answers
from .default_suite import generate_whole, recipe_in
from .episodes import play_episodes, trivial_cells
from .exercises import check_exercises
from .facts import facts_of
from .games import Turns
from .items import spread
from .llm_parser import parse_with, parser_replies, quoter
from .output import HELD_OUT, PUBLISHED_PICTURES, enter, locked
from .players import Player, player_of
from .queries import Form, all_asks
from .recipe import RULES, EvaluationRecipe, refuse_idle_keys
from .responses import responses_sha256
from .results import write_results
from .score import score_all

MAX_PIXELS = 1_204_224
"""Largest picture for a model that does not say what it was trained with; what our recipes train with."""
CUT_OFF_WARNING = 0.02  # a share of cut-off responses above this is said loudly


def run_evaluation(
    recipe: EvaluationRecipe,
    out: Path,
    *,
    answers: Path | None = None,
    share: tuple[int, int] | None = None,
    overwrite: bool = False,
    player: Player | None = None,
    say: Callable[[str], None] = print,
    show: bool = True,
) -> dict[str, Any] | None:
    """Ask, score, write `samples.jsonl`, `results.json` and the reports.

    Args:
        recipe: What is evaluated.
        out: Folder for the results.
        answers: Folder of answers; None for `out/answers`.
        share: (i, n): ask only the i-th share of n, and write no results.
        overwrite: Whether results of another evaluation in `out` are replaced.
        player: Who plays; None for whom the recipe names.
        say: Says in a sentence what was found.
        show: Whether to show progress bars.

    Returns:
        What `results.json` says; None for a worker's share, or if the player has not answered all yet.

    Raises:
        UserError: Something is wrong with what was asked for, or the asking ended early. Answers that came are kept.
    """
    recipe.check()
    if player is None:
        refuse_idle_keys(recipe)
    if share is not None and recipe.checkpoint is None:
        raise UserError("--worker goes with a checkpoint only")
    if out.is_file():
        raise UserError(f"--out {out} is a file: name a folder")
    with ExitStack() as held:
        return _Evaluation(recipe, out, answers or out / "answers", overwrite, say, held).run(share, show, player)


class _Evaluation:
    """One run of `run_evaluation`."""

    def __init__(
        self,
        recipe: EvaluationRecipe,
        out: Path,
        answers: Path,
        overwrite: bool,
        say: Callable[[str], None],
        held: ExitStack,
    ) -> None:
        self.recipe, self.out, self.answers, self.overwrite, self.say = recipe, out, answers, overwrite, say
        self.held = held
        self.turns = Turns(recipe.max_moves, recipe.probe_every) if recipe.episodes else None

    def run(self, share: tuple[int, int] | None, show: bool, player: Player | None) -> dict[str, Any] | None:
        recipe, begun = self.recipe, time.perf_counter()
        # Whoever is evaluated comes first: a wrong name must not cost the making of a suite.
        max_pixels = max_pixels_of(recipe)
        player = player or player_of(recipe, self.answers, share, say=self.say, show=show)
        # Nothing is written before all that can be wrong with what was named was looked at.
        if recipe.suite is None and share is None:
            self.held.enter_context(locked(self.out))
        whole, suite = self._suite(max_pixels)
        items = items_of(whole, recipe)
        if recipe.held_out:  # half of the answers would have been paid for before the other words were looked for
            check_held_out(item.world for item in items)
        check_exercises(recipe, player.modes, items)
        player.meet(whole, items)
        slides = _published_slides(items, suite) if recipe.pictures == "both" and player.reads_prompts else []
        form = form_of(recipe, suite, items, max_pixels)
        run: dict[str, Any] = {
            "evaluated": recipe.title,
            "suite": suite,
            **facts_of(items),
            "modes": player.modes,
            "limit": recipe.limit,
            "samples": player.samples,
            "duplicates": recipe.duplicates,
        }
        shown: dict[str, Any] = {}
        if player.reads_prompts:
            pictures = "auto" if recipe.pictures == "both" else recipe.pictures
            shown = {"prompts": recipe.prompts, "pictures": pictures, "max_pixels": max_pixels}
            shown |= {} if recipe.damage is None else {"damage": recipe.damage}
        if self.turns is not None:
            shown |= {"prompts": EPISODE_PROMPTS, "pictures": "drawn", "episodes": to_plain(self.turns)}
        if share is None:  # any number of workers may add answers at once
            if recipe.suite is not None:
                self.held.enter_context(locked(self.out))
            overwrite = self.overwrite if player.may_overwrite else None
            enter(self.out, self._identity(player, run | shown), to_plain(recipe), overwrite=overwrite)
        rows = self._played(player, items, form)
        run |= player.facts | shown
        # Wood Slide once more, with the published pictures, which print the length of the solution.
        again = self._played(player, slides, replace(form, redraw_worlds=frozenset())) if slides else None
        # And all of it in words that no training data holds.
        held = HELD_OUT_OF[recipe.prompts] if recipe.held_out else ""
        reworded = self._played(player, items, replace(form, prompts=held)) if held else None
        if rows is None:
            return None
        if reworded is not None:
            run_held = run | player.facts | {"prompts": held}
            reworded = self._parsed_again(reworded, items, run_held, self.out / HELD_OUT)
            self._conclude(reworded, items, run_held, self.out / HELD_OUT)
        if again is not None:
            run_again = run | player.facts | facts_of(slides) | {"pictures": "published"}
            out = self.out / PUBLISHED_PICTURES
            self._conclude(self._parsed_again(again, slides, run_again, out), slides, run_again, out)
        rows = self._parsed_again(rows, items, run, self.out)
        run |= {"seconds": round(time.perf_counter() - begun, 1), "recipe": to_plain(recipe)}
        gap = None if reworded is None else wording_gap(rows, reworded, (recipe.prompts, held))
        return self._conclude(rows, items, run, self.out, gap)

    def _suite(self, max_pixels: int) -> tuple[list[Item], str]:
        """All items of the suite, and its name."""
        suite = None if self.recipe.suite is None else suite_name(self.recipe.suite)
        if suite is None:
            made, recipe = self.out / "suite", SuiteRecipe(max_pixels=max_pixels)
            suite = str(made)
            if self.overwrite and (made / "suite.json").exists() and recipe_in(made / "suite.json") != to_plain(recipe):
                shutil.rmtree(made)
            if not (made / "suite.json").exists():
                generate_whole(recipe, made)
            if recipe_in(made / "suite.json") != to_plain(recipe):
                raise UserError(
                    f"{made} holds a suite of an earlier run: name it with --suite, choose another --out, or --overwrite"
                )
        return open_suite(suite), suite

    def _identity(self, player: Player, run: dict[str, Any]) -> dict[str, Any]:
        """What decides the results: two evaluations that differ in it do not share a folder."""
        recipe = self.recipe
        who: dict[str, Any] = {"fingerprint": player.facts.get("fingerprint"), "baseline": recipe.baseline}
        if recipe.responses is not None:
            who["responses_sha256"] = responses_sha256(Path(recipe.responses))
        asked = (
            "limit",
            "duplicates",
            "suite_sha256",
            "modes",
            "samples",
            "prompts",
            "pictures",
            "max_pixels",
            "episodes",
        )
        decides = {key: run[key] for key in asked if key in run}
        sampling = ("max_new_tokens", "temperature", "top_p", "seed")
        tokens = {key: player.facts[key] for key in sampling if key in player.facts}
        parser = {} if recipe.parser.name == RULES else {"quotes": quoter(recipe.parser.spec)}
        damage = {"damage": recipe.damage} if player.reads_prompts else {}
        return {**who, "episodes": None, **decides, **damage, **tokens, **parser}

    def _played(self, player: Player, items: Sequence[Item], form: Form) -> list[Row] | None:
        asks = all_asks(items, player.modes, player.samples)
        if self.turns is not None:
            return play_episodes(player, asks, self.turns, form.max_pixels)
        responses = player.play(asks, form)
        if responses is None:
            return None
        return score_all(asks, responses)

    def _parsed_again(self, rows: list[Row], items: Sequence[Item], run: dict[str, Any], out: Path) -> list[Row]:
        """The rows by the answers that a language model quotes, if one is asked for."""
        if self.recipe.parser.name == RULES:
            return rows
        spec = self.recipe.parser.spec
        backend, who = open_backend(spec), quoter(spec)
        with Answers(self.answers) as answers:
            found, agreement = parse_with(backend, rows, items, answers, who)
            replies = parser_replies(rows, items, answers, who)
        out.mkdir(parents=True, exist_ok=True)
        path = out / "parsers.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in agreement.disagreements), encoding="utf-8")
        self.say(f"{agreement}; the disagreements are in {path}")
        for note in [*backend.notes(), *notes_on(replies)]:
            self.say(f"parser: {note}")
        run["parser"] = {
            "name": f"{spec.backend}:{spec.model}",
            "quoter": who,
            **({"base_url": spec.options["base_url"]} if "base_url" in spec.options else {}),
            **sampling_facts(spec.sampling, left_out(replies)),
            **backend_class(spec.backend).told(spec.options),
            **backend.facts(),
            "no_answer": without_answer(replies),
            **agreement.counts(),
        }
        return found

    def _conclude(
        self, rows: list[Row], items: Sequence[Item], run: dict[str, Any], out: Path, gap: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Write everything, and print the tables."""
        trivial = None if self.turns is None else trivial_cells(items, run["modes"], self.turns)
        results = write_results(rows, out, run, items, run["modes"], held_out=gap, trivial=trivial)
        report = write_report(rows, results, out, items)
        write_markdown(results, out)
        write_summary_png(rows, results, out)
        self.say(f"{self.recipe.title} on {run['suite']}\n{table(results)}")
        tables = (
            *(exercise_table, turn_table, abstaining_table, image_table, efficiency_table),
            *(gap_table, step_table, wording_table),
        )
        for more in filter(None, (of(results) for of in tables)):
            self.say(f"\n{more}")
        cut = sum(row.finish_reason == "length" for row in rows)
        if cut > CUT_OFF_WARNING * len(rows):
            limit = "--max-new-tokens" if self.recipe.responses is None else "their length limit"
            self.say(
                f"warning: {cut} of {len(rows)} responses ({cut / len(rows):.1%}) reached {limit} before they ended; "
                "a longer limit could make accuracies higher"
            )
        self.say(f"report: {report}")
        return results


def max_pixels_of(recipe: EvaluationRecipe) -> int:
    """The largest picture that is shown.

    Raises:
        UserError: The checkpoint was trained with another limit than the recipe says.
    """
    trained = trained_pixels(recipe.checkpoint) if recipe.checkpoint is not None else None
    if recipe.max_pixels is not None and trained not in (None, recipe.max_pixels) and not recipe.other_pixels:
        raise UserError(
            f"{recipe.checkpoint} was trained with pictures of at most {trained} pixels (its idf.json says so), and "
            f"--max-pixels {recipe.max_pixels} would show it others: leave the option out, or add --other-pixels"
        )
    return recipe.max_pixels or trained or MAX_PIXELS


def trained_pixels(checkpoint: str) -> int | None:
    """The largest picture that a checkpoint was trained with; None if it does not say.

    Raises:
        UserError: Its `idf.json` is broken.
    """
    folder = Path(checkpoint)
    found = [path for path in (folder / "idf.json", folder.parent / "idf.json") if path.is_file()]
    if not folder.is_dir() or not found or (found[0].parent != folder and folder.name != "adapter"):
        return None
    try:
        return int(json.loads(read_text(found[0]))["recipe"]["max_pixels"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{found[0]} does not say recipe.max_pixels ({type(error).__name__} {error})") from None


def items_of(suite: Sequence[Item], recipe: EvaluationRecipe) -> list[Item]:
    """The items of a suite that a recipe asks."""
    kept = distinct(suite) if recipe.duplicates == "drop" else list(suite)
    return kept if recipe.limit is None else spread(kept, recipe.limit)


def form_of(recipe: EvaluationRecipe, suite: str, items: Sequence[Item], max_pixels: int) -> Form:
    """How the items of a suite are shown."""
    redraw: dict[str, set[str]] = {
        "auto": {"wood_slide"} if suite.startswith("spatialite:") else set(),
        "published": set(),
        "drawn": {item.world for item in items},
    }
    redrawn = redraw["auto" if recipe.pictures == "both" else recipe.pictures]
    return Form(recipe.prompts, max_pixels, frozenset(redrawn), recipe.damage)


def _published_slides(items: Sequence[Item], suite: str) -> list[Item]:
    """The items of Wood Slide that have a published picture."""
    slides = [item for item in items if item.world == "wood_slide" and item.picture is not None]
    if not suite.startswith("spatialite:") or not slides:
        raise UserError("--pictures both is for published suites with Wood Slide: their pictures alone tell the length")
    return slides
