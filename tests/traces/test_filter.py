"""The trajectory filter: what provably succeeds is kept, everything else is lost and counted."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from idf.data import DatasetFolder, Sample, open_dataset, write_dataset
from idf.errors import UserError
from idf.scoring import ERRORS
from idf.traces import RULES, FilterRecipe, Funnel, filter_traces, judge_trace
from idf.worlds import DIFFICULTIES, WORLDS, Rng
from tests.sentences import line_that_says, refused, says
from tests.traces.candidates import answered, candidate, candidates, problem_of, response_of

FACTS = {"recipe": {"problems": 1}, "seed": 6, "split": "train"}


def wrong(sample: Sample) -> Sample:
    problem = problem_of(sample)
    truth = WORLDS[sample.world].truth(problem)
    return answered(sample, f"Answer: {next(c for c in WORLDS[sample.world].colours if c != truth)}")


def illegal(sample: Sample) -> Sample:
    """The right plan, with a move before it that breaks a rule."""
    problem = problem_of(sample)
    world = WORLDS[sample.world]
    bump = next(way for way in "udlr" if way not in world.legal_actions(problem.start))
    return answered(sample, f"Answer: {bump} {' '.join(world.solve(problem))}")


def short(sample: Sample) -> Sample:
    return answered(sample, f"Answer: {' '.join(WORLDS[sample.world].solve(problem_of(sample))[:-1]) or 'none'}")


def too_far(sample: Sample) -> Sample:
    """A plan that reaches the goal and then leaves it: the published scorer would call it right."""
    problem = problem_of(sample)
    world = WORLDS[sample.world]
    plan = world.solve(problem)
    return answered(sample, f"Answer: {' '.join(plan)} {world.legal_actions(world.replay(problem.start, plan)[-1])[0]}")


def by_plan(sample: Sample, plan: list[str]) -> Sample:
    """A trace that carries out a plan, every state claimed."""
    unrolled = WORLDS[sample.world].unroll(problem_of(sample).start, plan)
    return answered(sample, f"{unrolled}\nAnswer: {' '.join(plan)}")


def to_and_fro(sample: Sample) -> Sample:
    """The right plan after a block was moved and moved back."""
    problem = problem_of(sample)
    world = WORLDS[sample.world]
    there = world.legal_actions(problem.start)[0]
    back = there[0] + {"u": "d", "d": "u", "l": "r", "r": "l"}[there[1]]
    return by_plan(sample, [there, back, *world.solve(problem)])


def roundabout(sample: Sample) -> Sample:
    """A plan without a circle that is more than half as long again as a shortest one."""
    problem = problem_of(sample)
    world = WORLDS[sample.world]
    solved = world.replay(problem.start, world.solve(problem))

    def search(plan: list[str], states: list, left: int) -> list[str] | None:
        if states[-1] == solved[-1]:
            return plan if len(plan) > 1.5 * (len(solved) - 1) else None
        for action in world.legal_actions(states[-1]) if left else ():
            there = world.step(states[-1], action)
            if there not in states and (found := search([*plan, action], [*states, there], left - 1)):
                return found
        return None

    plan = search([], [problem.start], len(solved) + 3)
    assert plan is not None
    return by_plan(sample, plan)


def lucky(sample: Sample) -> Sample:
    """The right answer, the first step's state claimed after every step."""
    lines = response_of(sample).splitlines()
    state = lines[0].removeprefix("Start: ")
    return answered(sample, "\n".join([f"Start: {state}", f"1. right: {state}", lines[-1]]))


def corrected(sample: Sample) -> Sample:
    """Right in the end, after three false starts."""
    colours = WORLDS["cube_rolling"].line(problem_of(sample).start).split()
    wrong = [f"Start: {' '.join(colours[n:] + colours[:n])}" for n in (1, 2, 3)]
    return answered(sample, "\n".join([*wrong, response_of(sample)]))


def said_again(changes: dict[str, str]) -> Sample:
    """Candidate number 0, a word longer."""
    sample = candidate("cube_rolling", 0)
    return answered(replace(sample, meta=sample.meta | changes), f"So:\n{response_of(sample)}", id="again")


SPOILT: list[tuple[str, Callable[[Sample], Sample], str]] = [
    ("cube_rolling", lambda sample: answered(sample, "", "error"), "failed"),
    ("cube_rolling", lambda sample: answered(sample, "  "), "empty"),
    ("cube_rolling", lambda sample: answered(sample, "I roll it and", "length"), "truncated"),
    ("cube_rolling", lambda sample: answered(sample, response_of(sample), "length"), "truncated"),
    ("cube_rolling", lambda sample: answered(sample, "It was red."), "unparsed"),
    ("cube_rolling", lambda sample: answered(sample, "I'm sorry, but I cannot see the image."), "refused"),
    ("rubiks_cube", lambda sample: answered(sample, "Answer: 3 or 4, red or blue"), "unparsed"),
    ("cube_rolling", wrong, "wrong"),
    ("mental_rotation", lambda sample: answered(sample, "Answer: 9 cubes: red 9"), "wrong"),
    ("moving_box", illegal, "illegal"),
    ("wood_slide", lambda sample: answered(sample, "Answer: 9u 9u 9u 9u 9u 9u"), "illegal"),
    ("moving_box", short, "incomplete"),
    ("wood_slide", short, "incomplete"),
    ("wood_slide", too_far, "incomplete"),
    ("cube_rolling", lambda s: answered(s, " ".join(map(str, range(2000))) + "\n" + response_of(s)), "long"),
    ("cube_rolling", lambda sample: answered(sample, response_of(sample) + "\nI hope this helps!"), "padding"),
    ("cube_rolling", lambda s: answered(s, "Let me look at this cube again.\n" * 20 + response_of(s)), "loop"),
    ("wood_slide", to_and_fro, "loop"),
    ("wood_slide", roundabout, "detour"),
    ("cube_rolling", lucky, "lucky"),
    ("cube_rolling", lambda sample: answered(sample, response_of(sample).splitlines()[-1]), "unproven"),
    ("cube_rolling", corrected, "corrected"),
    ("cube_rolling", lambda _: said_again({}), "longer"),
    ("cube_rolling", lambda _: said_again({"key": "other"}), "duplicate"),
]


def source_of(samples: list[Sample], folder: Path) -> DatasetFolder:
    return write_dataset(samples, folder, FACTS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_every_oracle_trace_is_kept_as_it_was(tmp_path, out):
    samples = [
        candidate(world, index, difficulty) for world in WORLDS for difficulty in DIFFICULTIES for index in (0, 1)
    ]
    kept, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=30))
    assert [sample.id for sample in kept.samples()] == [sample.id for sample in samples]
    assert [sample.messages[1] for sample in kept.samples()] == [sample.messages[1] for sample in samples]
    assert [sample.meta for sample in kept.samples()] == [sample.meta for sample in samples]
    assert funnel.counts == {world: {"in": 6, "kept": 6} for world in WORLDS}
    assert funnel.kept_by_difficulty == {world: dict.fromkeys(DIFFICULTIES, 2) for world in WORLDS}
    assert funnel.kept == 30


def test_every_class_of_error_has_a_rule_to_be_lost_under():
    assert set(ERRORS) - {"error"} <= set(RULES), "an error of the backend is the rule `failed`"


@pytest.mark.parametrize(("world", "spoil", "rule"), SPOILT, ids=lambda value: value if isinstance(value, str) else "-")
def test_a_spoiled_trace_is_lost_and_counted_under_its_rule(tmp_path, out, world, spoil, rule):
    good, bad = candidates(world, 3), spoil(candidate(world, 3))
    kept, funnel = filter_traces(source_of([good[0], bad, *good[1:]], tmp_path / "d"), out, FilterRecipe(keep=3))
    assert [sample.id for sample in kept.samples()] == [sample.id for sample in good]
    assert funnel.counts == {world: {"in": 4, rule: 1, "kept": 3}}
    assert funnel.examples[rule]["id"] == bad.id
    assert funnel.examples[rule]["detail"]


def test_there_is_a_spoiled_trace_for_every_rule():
    assert {rule for _, _, rule in SPOILT} == set(RULES)


def test_a_trace_is_lost_under_the_first_rule_that_it_breaks(tmp_path, out):
    bad = candidate("cube_rolling", 3)
    all_at_once = answered(bad, "word " * 3000 + "\nAnswer: red\nAnswer: red\nand more")
    problem = problem_of(bad)
    truth = WORLDS["cube_rolling"].truth(problem)
    right = response_of(all_at_once).replace("red", truth)
    order = list(RULES)
    for text, recipe, rule in [
        (response_of(all_at_once).replace("red", "gray" if truth != "gray" else "red"), FilterRecipe(), "wrong"),
        (right, FilterRecipe(), "long"),
        (right, FilterRecipe(most_words=9000), "padding"),
        ("Let me see again.\n" * 50 + f"Answer: {truth}", FilterRecipe(), "loop"),
    ]:
        assert judge_trace(problem, text, "stop", recipe)[0] == rule
        order.remove(rule)
    assert order[-2:] == ["longer", "duplicate"]


def test_a_failed_request_says_what_the_teacher_said(tmp_path, out):
    bad = answered(candidate("cube_rolling", 1), "", "error")
    bad = replace(bad, meta=bad.meta | {"teacher_error": "429, too many requests"})
    _, funnel = filter_traces(source_of([candidate("cube_rolling", 0), bad], tmp_path / "d"), out, FilterRecipe(keep=1))
    assert funnel.examples["failed"] == {"id": bad.id, "detail": "429, too many requests"}


def test_the_level_outcome_keeps_what_is_right_without_proof(tmp_path, out):
    samples = [answered(sample, response_of(sample).splitlines()[-1]) for sample in candidates("cube_rolling", 3)]
    source = source_of(samples, tmp_path / "d")
    with pytest.raises(UserError, match="0 of 3"):
        filter_traces(source, out, FilterRecipe(keep=3))
    kept, _ = filter_traces(source, out, FilterRecipe(keep=3, level="outcome"))
    assert len(kept) == 3


# --- which of several ------------------------------------------------------------------------------------------


def several(index: int, texts: list[str]) -> list[Sample]:
    """Samples of one problem, each with words before the oracle's."""
    sample = candidate("cube_rolling", index)
    return [answered(sample, f"{text}\n{response_of(sample)}", id=f"{sample.id}:{n}") for n, text in enumerate(texts)]


def test_of_several_successes_for_one_problem_the_shortest_is_kept_and_ties_go_by_id(tmp_path, out):
    samples = [*several(0, ["Well, let us see.", "See:", "So:"]), *several(1, ["So, well.", "Now."])]
    kept, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=2))
    assert [sample.id for sample in kept.samples()] == [samples[1].id, samples[4].id]
    assert funnel.counts == {"cube_rolling": {"in": 5, "longer": 3, "kept": 2}}


def test_a_shorter_failure_does_not_beat_a_success(tmp_path, out):
    right, other = several(0, ["See:", ""])
    kept, funnel = filter_traces(source_of([right, wrong(other)], tmp_path / "d"), out, FilterRecipe(keep=1))
    assert [sample.id for sample in kept.samples()] == [right.id]
    assert funnel.counts["cube_rolling"] == {"in": 2, "wrong": 1, "kept": 1}


def test_of_two_near_duplicates_the_shorter_is_kept(tmp_path, out):
    first, second = several(0, ["Let us see:", "See:"])
    second = replace(second, meta=second.meta | {"key": "other"})
    kept, funnel = filter_traces(source_of([first, second], tmp_path / "d"), out, FilterRecipe(keep=1))
    assert [sample.id for sample in kept.samples()] == [second.id]
    says(funnel.examples["duplicate"]["detail"], "nearly", second.id)


def test_traces_of_different_problems_are_no_near_duplicates_though_they_are_short(tmp_path, out):
    samples = [sample for world in WORLDS for sample in candidates(world, 12 if world != "moving_box" else 6)]
    _, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=54))
    assert funnel.kept == 54


def test_kept_are_equal_shares_of_worlds_and_difficulties(tmp_path, out):
    samples = [
        *candidates("cube_rolling", 8),
        *candidates("cube_rolling", 8, "hard"),
        *candidates("rubiks_cube", 3),
        *candidates("wood_slide", 8, "medium"),
    ]
    _, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=18))
    assert funnel.kept_by_difficulty == {
        "cube_rolling": {"easy": 5, "hard": 5},
        "rubiks_cube": {"easy": 3},
        "wood_slide": {"medium": 5},
    }
    assert funnel.counts["cube_rolling"] == {"in": 16, "spare": 6, "kept": 10}


def test_the_kept_ones_are_not_simply_the_first_or_the_shortest(tmp_path, out):
    samples = candidates("cube_rolling", 12)
    kept, _ = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=6))
    ids = [sample.id for sample in kept.samples()]
    assert ids != [sample.id for sample in samples[:6]]
    by_rank = sorted(samples, key=lambda sample: (len(response_of(sample).split()), sample.id))
    assert set(ids) != {sample.id for sample in by_rank[:6]}


def test_the_order_of_the_candidates_decides_nothing_but_the_order_of_the_kept(tmp_path):
    samples = [*candidates("cube_rolling", 8), *several(1, ["Now:", "So:"]), *candidates("rubiks_cube", 5)]
    samples += [
        replace(sample, id=f"copy:{n}", meta=sample.meta | {"key": f"copy {n}"}) for n, sample in enumerate(samples)
    ]
    funnels, kept = [], []
    for turn in range(4):
        shuffled = Rng("order", turn).shuffled(samples)
        folder, funnel = filter_traces(
            source_of(shuffled, tmp_path / f"d{turn}"), tmp_path / f"k{turn}", FilterRecipe(keep=9)
        )
        ids = [sample.id for sample in folder.samples()]
        assert ids == [sample.id for sample in shuffled if sample.id in set(ids)]
        kept.append(set(ids))
        funnels.append(funnel.facts())
    assert all(ids == kept[0] for ids in kept)
    assert all(facts["counts"] == funnels[0]["counts"] for facts in funnels)


# --- the funnel ------------------------------------------------------------------------------------------------


def test_what_came_in_is_what_was_lost_and_kept(tmp_path, out):
    samples = [spoil(candidate(world, 3 + n % 3)) for n, (world, spoil, _) in enumerate(SPOILT)]
    samples = [replace(sample, id=f"bad:{n}") for n, sample in enumerate(samples)]
    samples += [sample for world in WORLDS for sample in candidates(world, 3)]
    _, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=9))
    assert sum(counts["in"] for counts in funnel.counts.values()) == len(samples)
    assert Counter(sample.world for sample in samples) == {
        world: counts["in"] for world, counts in funnel.counts.items()
    }
    for counts in funnel.counts.values():
        assert counts["in"] == sum(n for what, n in counts.items() if what != "in")
    assert funnel.kept == 9 == sum(sum(kept.values()) for kept in funnel.kept_by_difficulty.values())


def test_the_funnel_is_a_table(tmp_path, out):
    samples = [*candidates("cube_rolling", 4), *candidates("moving_box", 3)]
    samples[2], samples[5] = wrong(samples[2]), illegal(samples[5])
    _, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=4))
    assert [line.split() for line in funnel.table().splitlines()] == [
        ["world", "in", "wrong", "illegal", "spare", "kept", "easy", "medium", "hard"],
        ["cube_rolling", "4", "1", "0", "1", "2", "2", "0", "0"],
        ["moving_box", "3", "0", "1", "0", "2", "2", "0", "0"],
        ["all", "7", "1", "1", "1", "4", "4", "0", "0"],
    ]
    assert len(funnel.why().splitlines()) == 2
    assert funnel.why().startswith("wrong: ")
    says(funnel.why().splitlines()[0], "for example", "trace:cube_rolling:easy:2")


def test_a_rule_that_there_is_not_cannot_be_counted():
    with pytest.raises(ValueError, match="unknown rule 'bad'"):
        Funnel().lose("cube_rolling", "bad", "0", "")


def test_with_fewer_than_asked_for_nothing_is_written_and_the_funnel_is_told(tmp_path, out):
    samples = candidates("cube_rolling", 3)
    source = source_of([*samples[:2], wrong(samples[2])], tmp_path / "d")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError) as refusal:
        filter_traces(source, out, FilterRecipe(keep=4))
    says(str(refusal.value).splitlines()[0], "only", "2 of 3", 4, "--allow-fewer")
    assert ["cube_rolling", "3", "1", "2", "0", "0", "0", "0"] in [
        line.split() for line in str(refusal.value).splitlines()
    ]
    assert samples[2].id in str(refusal.value)
    assert sorted(tmp_path.iterdir()) == before
    kept, funnel = filter_traces(source, out, FilterRecipe(keep=3), allow_fewer=True)
    assert (len(kept), funnel.kept) == (2, 2)


def test_if_nothing_succeeds_there_is_no_dataset_even_if_fewer_are_allowed(tmp_path, out):
    source = source_of([wrong(sample) for sample in candidates("cube_rolling", 2)], tmp_path / "d")
    with pytest.raises(UserError) as refusal:
        filter_traces(source, out, FilterRecipe(keep=2), allow_fewer=True)
    first, *funnel = str(refusal.value).splitlines()
    says(first, "no trace", tmp_path / "d", "nothing was written")
    line_that_says(funnel, "wrong")
    assert not out.exists()


def test_the_manifest_says_from_what_it_was_filtered_and_what_was_lost(tmp_path, out):
    samples = candidates("cube_rolling", 3)
    source = source_of([*samples[:2], wrong(samples[2])], tmp_path / "d")
    kept, funnel = filter_traces(source, out, FilterRecipe(keep=2))
    manifest = json.loads((out / "dataset.json").read_text())
    assert manifest["source"] == {
        "folder": "d",
        "fingerprint": source.fingerprint(),
        "recipe": FACTS["recipe"],
        "source": None,
    }
    assert manifest["recipe"]["keep"] == 2
    assert manifest["recipe"]["level"] == "process"
    assert manifest["funnel"] == funnel.facts()
    assert manifest["funnel"]["counts"] == {"cube_rolling": {"in": 3, "wrong": 1, "kept": 2}}
    assert manifest["funnel"]["kept_by_difficulty"] == {"cube_rolling": {"easy": 2}}
    assert (manifest["seed"], manifest["split"]) == (6, "train")
    assert open_dataset(out, made_by="idf filter") == kept


# --- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"keep": 0}, ("keep", 1, 0)),
        ({"most_words": 0}, ("most_words", 1, 0)),
        ({"level": "proof"}, ("unknown level", "'proof'", "process, consistent, outcome")),
        ({"most_over_optimal": 0.5}, ("most_over_optimal", 1, 0.5)),
        ({"most_repeated": 2.0}, ("most_repeated", 0, 1, 2.0)),
        ({"most_corrections": -1}, ("most_corrections", "negative", -1)),
        ({"near_duplicate": 0.2}, ("near_duplicate", 0.5, 1, 0.2)),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_before_anything_is_read(tmp_path, out, changes, said):
    source = DatasetFolder(tmp_path / "nowhere", {}, [])
    with refused(*said):
        filter_traces(source, out, FilterRecipe(**changes))


def test_a_folder_of_imagery_is_told_from_one_of_traces(tmp_path, out):
    imagery = replace(candidate("cube_rolling", 0), id="imagery:0", meta={"key": "0"})
    with refused("sample imagery:0", "holds no problem", "`idf traces`"):
        filter_traces(source_of([imagery], tmp_path / "d"), out, FilterRecipe(keep=1))
    assert not out.exists()


def test_a_problem_that_cannot_be_read_is_named_by_its_sample(tmp_path, out):
    broken = replace(candidate("cube_rolling", 0), meta={"key": "0", "problem": {"world": "chess"}})
    source = source_of([broken], tmp_path / "d")
    with pytest.raises(UserError, match="trace:cube_rolling:easy:0"):
        filter_traces(source, out, FilterRecipe(keep=1))


def test_two_traces_with_one_id_are_refused(tmp_path, out):
    source = source_of([candidate("cube_rolling", 0), candidate("cube_rolling", 0)], tmp_path / "d")
    with refused("two samples", "id trace:cube_rolling:easy:0"):
        filter_traces(source, out, FilterRecipe(keep=1))


def test_a_dataset_that_is_there_is_not_written_over(tmp_path, out):
    source = source_of(candidates("cube_rolling", 2), tmp_path / "d")
    filter_traces(source, out, FilterRecipe(keep=1))
    with refused(out, "already", "dataset"):
        filter_traces(source, out, FilterRecipe(keep=2))
    assert len(open_dataset(out, made_by="idf filter")) == 1


def test_what_was_filtered_can_be_filtered_again(tmp_path, out):
    once, _ = filter_traces(source_of(candidates("cube_rolling", 3), tmp_path / "d"), out, FilterRecipe(keep=3))
    twice, _ = filter_traces(once, tmp_path / "twice", FilterRecipe(keep=2))
    assert len(twice) == 2
    assert twice.manifest["source"]["source"]["folder"] == "d"


def test_the_card_counts_the_traces_that_claim_nothing(tmp_path, out):
    samples = candidates("cube_rolling", 4)
    samples[1] = answered(samples[1], response_of(samples[1]).splitlines()[-1])
    samples[2] = answered(samples[2], f"Nothing moves at all.\n{response_of(samples[2])}")
    kept, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, FilterRecipe(keep=4, level="outcome"))
    assert funnel.proofs == kept.manifest["funnel"]["proofs"] == {"process": 2, "nothing": 1, "false": 1}
    card = (out / "README.md").read_text()
    says(card, "What the traces prove", "`outcome`")
    assert "| 1 | claim nothing on the way" in card
    assert "| 1 | claim something false" in card


def held_by_filtering(traces, folder):
    """The most bytes that Python objects took while traces were filtered, beside what was there before."""
    source = write_dataset(traces, folder / "from", {})
    tracemalloc.start()
    filter_traces(source, folder / "to", FilterRecipe(keep=5))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_of_a_trace_hardly_more_than_its_id_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr("idf.traces._filter.judge_trace", lambda *_: None)
    monkeypatch.setattr("idf.traces._filter.proof_of", lambda *_: "process")
    one = candidates("cube_rolling", 1)[0]

    def traces(number):
        for n in range(number):
            words = " ".join(f"{n}w{at}" for at in range(400))  # 3 kB of hashes, all different
            trace = answered(one, words, id=f"trace:{n}")
            yield replace(trace, meta=trace.meta | {"key": str(n)})

    few, many = (held_by_filtering(traces(number), tmp_path / str(number)) for number in (400, 2400))
    assert (many - few) / 2000 < 2048, (
        "signatures take 512 bytes; words, hashes or a table of bands would take thousands"
    )
