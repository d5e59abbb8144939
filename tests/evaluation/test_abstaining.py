"""When not to answer: what results say of it, and that they say nothing of it elsewhere."""

from __future__ import annotations

import hashlib
import json

import pytest

from idf.answers import UNDETERMINED
from idf.backends import Response
from idf.evaluation.metrics.abstaining import abstaining, abstaining_cell
from idf.evaluation.metrics.baselines import baseline_response
from idf.evaluation.metrics.row import Row
from idf.evaluation.metrics.summary import summarize
from idf.evaluation.report.tables import macro_baselines
from idf.evaluation.run.evaluation import run_evaluation
from idf.evaluation.run.queries import all_asks
from idf.evaluation.run.recipe import EvaluationRecipe
from idf.evaluation.run.score import score_all
from idf.suites import SuiteRecipe, draw_items, generate_suite
from idf.worlds import PARTS, WORLDS
from tests.sentences import refused


def row(number: int, answerable: bool, parsed, settles: bool | None = None, chance: float | None = None) -> Row:
    correct = (parsed == UNDETERMINED) != answerable and parsed not in ("wrong", None)
    return Row(
        id=f"cube_rolling_part:easy:{number}",
        world="cube_rolling_part",
        mode="tqa",
        difficulty="easy",
        correct=correct,
        error=None if correct else "wrong",
        parsed=parsed,
        response="",
        prompt_tokens=None,
        completion_tokens=None,
        finish_reason="stop",
        moves=None,
        optimal=None,
        detail="",
        official=float(correct),
        cluster=str(number),
        answerable=answerable,
        settles=settles,
        view_chance=chance,
    )


def test_accuracy_recall_and_precision_are_counted():
    said = [(True, "red"), (True, "wrong"), (True, UNDETERMINED), (True, None)]
    said += [(False, UNDETERMINED), (False, UNDETERMINED), (False, "wrong"), (False, None), (False, "wrong")]
    cell = abstaining_cell([row(i, *pair) for i, pair in enumerate(said)])
    assert (cell["answerable"], cell["correct"], cell["accuracy"]) == (4, 1, 0.25)
    assert (cell["undetermined"], cell["abstained"], cell["rightly"]) == (5, 3, 2)
    assert (cell["recall"], cell["precision"]) == (2 / 5, 2 / 3)
    assert cell["never"] == {"accuracy": 1.0, "recall": 0.0, "precision": None}
    assert cell["always"] == {"accuracy": 0.0, "recall": 1.0, "precision": 5 / 9}
    assert cell["recall95"][0] < 2 / 5 < cell["recall95"][1]


def test_a_share_of_nothing_is_none():
    cell = abstaining_cell([row(0, True, "red")])
    assert cell["recall"] is None
    assert cell["precision"] is None
    assert cell["recall95"] is None
    assert cell["views_asked"] == 0


def test_views_are_counted_where_they_are_asked():
    rows = [row(0, False, UNDETERMINED, True, 0.5), row(1, False, "wrong", False, 0.25), row(2, True, "red")]
    cell = abstaining_cell(rows)
    assert (cell["views_asked"], cell["views_right"], cell["views_chance"]) == (2, 1, 0.375)


# --- from end to end


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("part") / "suite"
    generate_suite(SuiteRecipe(items=4, worlds=list(PARTS), difficulties=["easy"], max_pixels=100_000), folder)
    return folder


def evaluated(suite, tmp_path, baseline: str):
    said: list[str] = []
    recipe = EvaluationRecipe(baseline=baseline, suite=str(suite), modes=["tqa"])
    results = run_evaluation(recipe, tmp_path / baseline, say=said.append, show=False)
    return results, "\n".join(said), tmp_path / baseline


@pytest.mark.parametrize(
    ("baseline", "accuracy", "recall"), [("oracle", 1.0, 1.0), ("never", 1.0, 0.0), ("always", 0.0, 1.0)]
)
def test_players_have_what_they_must_have(suite, tmp_path, baseline, accuracy, recall):
    results, said, out = evaluated(suite, tmp_path, baseline)
    assert set(results["abstaining"]) == set(PARTS)
    for world, modes in results["abstaining"].items():
        cell = modes["tqa"]["all"]
        assert (cell["accuracy"], cell["recall"]) in ((accuracy, recall), (None, recall), (accuracy, None))
        assert cell["views_asked"] == (cell["undetermined"] if world == "mental_rotation_part" else 0)
        if baseline == "oracle":
            assert cell["precision"] in (1.0, None)
            assert cell["views_right"] == cell["views_asked"]
        shares = results["baselines"][world]["tqa"]["all"]
        if baseline in shares:
            assert shares[baseline] == pytest.approx(results["worlds"][world]["tqa"]["all"]["accuracy"])
    for told in (said, (out / "report.md").read_text(), (out / "report.html").read_text()):
        assert "precision" in told
        assert "always" in told


def test_the_mean_over_worlds_is_that_of_players_who_play_them_all(tmp_path):
    """`never` and `always` play worlds that show a scene in part: their mean is not that of another set of worlds."""
    worlds = ["cube_rolling", "cube_rolling_part"]
    generate_suite(SuiteRecipe(items=1, worlds=worlds, difficulties=["easy"], max_pixels=3136), tmp_path / "s")
    results, *_ = evaluated(tmp_path / "s", tmp_path, "oracle")
    assert set(results["baselines"]["cube_rolling_part"]["tqa"]["all"]) == {"initial", "random", "never", "always"}
    assert set(macro_baselines(results, "tqa")) == {"initial", "random"}


def test_rows_are_read_back(suite, tmp_path):
    from idf.evaluation.metrics.results import read_run

    results, _, out = evaluated(suite, tmp_path, "initial")
    assert abstaining(read_run(out).rows) == json.loads(json.dumps(results["abstaining"]), object_hook=_tuples)


def _tuples(told):
    return {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}


# --- elsewhere nothing changes

TEXTS = (
    "Answer: cannot be determined",
    "The answer cannot be determined.",
    "unknown from what is shown",
    "Answer: red",
    "Answer: 3",
    "not enough information",
    "Answer: 3 cubes: red 2, blue 1",
    "View: top\nAnswer: cannot be determined",
    "I cannot determine it.",
    "Answer: u u r",
)
SAMPLES = "343efdc776fcba65fd47133f3d3e0ef8063fe01b79ae7a7fac934a9983d0a2ee"
SUMMARY = "c01a463dab90a0e84e1cb8be78c34fd64e48538cf28c9ade7d56a27fb1e6efe9"


def whole_rows():
    items, _ = draw_items(SuiteRecipe(items=2))
    asks = all_asks(items, ["vqa", "tqa"])
    responses = [Response(TEXTS[at % len(TEXTS)], finish_reason="stop") for at in range(len(asks) - 20)]
    responses += [Response(baseline_response("oracle", ask.item.problem, "")) for ask in asks[len(responses) :]]
    return score_all(asks, responses)


def test_suites_that_show_all_are_scored_byte_for_byte_as_before():
    """The hashes were made by the code before there were worlds that show a scene in part."""
    rows = whole_rows()
    samples = "\n".join(json.dumps(row.to_json()) for row in rows)
    assert hashlib.sha256(samples.encode()).hexdigest() == SAMPLES
    assert hashlib.sha256(json.dumps(summarize(rows)).encode()).hexdigest() == SUMMARY


def test_results_of_other_suites_do_not_speak_of_it():
    assert abstaining(whole_rows()) is None
    assert "abstaining" not in summarize(whole_rows())


def test_who_always_abstains_plays_no_world_that_shows_all():
    item = draw_items(SuiteRecipe(items=1, worlds=["wood_slide"], difficulties=["easy"]))[0][0]
    with refused("always", "wood_slide", "cube_rolling_part"):
        baseline_response("always", item.problem, "")
    assert WORLDS["wood_slide"].truth(item.problem)
    assert baseline_response("never", item.problem, "") == baseline_response("oracle", item.problem, "")
