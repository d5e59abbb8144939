"""Traces of scenes that are shown in part, from the recipe to what the filter keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idf.data import text_of
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces
from idf.traces._build import form_of_steps
from idf.traces._judge import judge_trace, proof_of
from idf.worlds import PARTS, problem_from_json


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    recipe = TracesRecipe(problems=18, worlds=dict.fromkeys(PARTS, 1.0), max_pixels=50_000)
    recipe.check()
    return build_traces(recipe, tmp_path_factory.mktemp("traces") / "candidates")


def test_no_recipe_has_them_unless_it_names_them():
    assert PARTS.keys().isdisjoint(TracesRecipe().worlds)


def test_the_filter_keeps_what_the_oracle_tells_and_says_that_it_is_proven(traces, tmp_path):
    kept, funnel = filter_traces(traces, tmp_path / "kept", FilterRecipe(keep=18), allow_fewer=True)
    assert funnel.proofs == {"process": 18}
    assert {sample.world for sample in kept.samples()} == set(PARTS)


def test_a_trace_with_a_false_case_is_lucky_and_one_without_cases_is_unproven(traces):
    recipe = FilterRecipe()
    for sample in traces.samples():
        problem = problem_from_json(sample.meta["problem"])
        *cases, answer = text_of(sample.messages[-1]).split("\n")
        false = "\n".join([*cases, "Case all purple: 99", answer])
        assert judge_trace(problem, false, "stop", recipe)[0] == "lucky"
        assert judge_trace(problem, answer, "stop", recipe)[0] == "unproven"
        assert proof_of(problem, answer, replace(recipe, level="outcome")) == "nothing"


@pytest.mark.parametrize("world", PARTS)
def test_a_teacher_is_told_how_cases_are_written(world):
    assert "Case" in form_of_steps(world)
