"""A worse trace never earns more: traces of the oracle, spoiled step by step; and what a single reward must hold to."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idf.errors import UserError
from idf.scoring import Reward, RewardRule, reward, steps_right
from idf.traces import oracle_response
from idf.worlds import WORLDS

from .players import Seat
from .seats import DESCRIBED, PLAIN, PLANNING, SLACK, earned, fresh, seats

STEP = re.compile(r"(\d+)\. ([^:]+): (.*)")
PRICES = (0.0, 0.2, 0.4)


@dataclass(frozen=True)
class Trace:
    """A trace in parts. `true` are the states that its actions lead to, by number; `tail` reads the end off."""

    seat: Seat
    head: tuple[str, ...]
    steps: tuple[tuple[int, str, str], ...]
    tail: tuple[str, ...]
    answer: str
    true: tuple[str, ...]
    finish: str | None = None
    tokens: int = 300

    @property
    def text(self) -> str:
        return "\n".join([*self.head, *(f"{n}. {a}: {s}" for n, a, s in self.steps), *self.tail, self.answer])

    def earned(self, rule: RewardRule = PLAIN) -> Reward:
        return reward(self.seat.problem, self.text, tokens=self.tokens, finish_reason=self.finish, rule=rule)

    def holds(self, at: int) -> bool:
        number, _, state = self.steps[at]
        return state == self.true[number - 1]

    def put(self, at: int, state: str) -> Trace:
        number, action, _ = self.steps[at]
        return replace(self, steps=(*self.steps[:at], (number, action, state), *self.steps[at + 1 :]))


@cache
def traces(world: str) -> tuple[Trace, ...]:
    """What the oracle says of the problems, in parts."""
    found = []
    for seat in seats(world):
        lines = oracle_response(seat.problem).splitlines()
        numbered = [at for at, line in enumerate(lines) if STEP.fullmatch(line)]
        if not numbered:  # a structure seen from the front is not turned
            continue
        steps = [STEP.fullmatch(lines[at]) for at in numbered]
        said = tuple((int(one[1]), one[2], one[3]) for one in steps if one)
        assert [number for number, *_ in said] == list(range(1, len(said) + 1))
        assert lines[-1].startswith("Answer: ")
        head, tail = tuple(lines[: numbered[0]]), tuple(lines[numbered[-1] + 1 : -1])
        found.append(Trace(seat, head, said, tail, lines[-1], tuple(state for *_, state in said)))
    return tuple(found)


# --- mutations: each makes a trace worse or leaves it as good, and gives None where it has nothing to spoil -----------


def false_state(trace: Trace, rng: Random) -> Trace | None:
    """A true state in another's place: of another step, or the start."""
    at = rng.randrange(len(trace.steps))
    others = sorted({trace.seat.start, *trace.true} - {trace.true[trace.steps[at][0] - 1]})
    return trace.put(at, rng.choice(others)) if trace.holds(at) and others else None


def mangled_state(trace: Trace, rng: Random) -> Trace | None:
    """Two different words, or digits, of a state change places."""
    at = rng.randrange(len(trace.steps))
    parts = re.findall(r"[a-z]+|\d|[^a-z\d]+", trace.steps[at][2])
    kind = rng.choice([str.isalpha, str.isdigit])
    places = [i for i, part in enumerate(parts) if kind(part)]
    if not trace.holds(at) or len({parts[i] for i in places}) < 2:
        return None
    one = rng.choice(places)
    other = rng.choice([i for i in places if parts[i] != parts[one]])
    parts[one], parts[other] = parts[other], parts[one]
    spoiled = trace.put(at, "".join(parts))
    said, true = (trace.seat.world.read_line(state) for state in (spoiled.steps[at][2], trace.steps[at][2]))
    return spoiled if said != true else None


def swapped(trace: Trace, rng: Random) -> Trace | None:
    """Two different true states change places."""
    if len(trace.steps) < 2:
        return None
    a, b = rng.sample(range(len(trace.steps)), 2)
    one, other = trace.steps[a][2], trace.steps[b][2]
    return trace.put(a, other).put(b, one) if trace.holds(a) and trace.holds(b) and one != other else None


def dropped(trace: Trace, rng: Random) -> Trace | None:
    """A step is left out; the others keep their numbers."""
    numbers = sorted({number for number, *_ in trace.steps})
    if len(numbers) < 2:
        return None
    gone = rng.choice(numbers)
    return replace(trace, steps=tuple(step for step in trace.steps if step[0] != gone))


def cut_short(trace: Trace, rng: Random) -> Trace | None:
    """Only the first steps are left, and nothing reads the end off."""
    last = rng.choice(trace.steps)[0]
    return replace(trace, steps=tuple(step for step in trace.steps if step[0] <= last), tail=())


def emptied(trace: Trace, rng: Random) -> Trace | None:
    """A step without its state."""
    at = rng.randrange(len(trace.steps))
    return trace.put(at, rng.choice(["", "...", "(as before)", "unchanged"])) if trace.holds(at) else None


def said_again(trace: Trace, rng: Random) -> Trace | None:
    """A true step is followed by the same step with a false state, with no word of which one holds."""
    at = rng.randrange(len(trace.steps))
    number, action, state = trace.steps[at]
    others = sorted({trace.seat.start, *trace.true} - {state})
    if not trace.holds(at) or not others or len({n for n, *_ in trace.steps}) < len(trace.steps):
        return None
    again = (number, action, rng.choice(others))
    return replace(trace, steps=(*trace.steps[: at + 1], again, *trace.steps[at + 1 :]))


def other_action(trace: Trace, rng: Random) -> Trace | None:
    """A true step under another action, its state as it was."""
    at = rng.randrange(len(trace.steps))
    if not trace.holds(at):
        return None
    number, action, state = trace.steps[at]
    other = rng.choice(sorted(set(trace.seat.world.actions) - {action}))
    return replace(trace, steps=(*trace.steps[:at], (number, other, state), *trace.steps[at + 1 :]))


def only_what_stays(trace: Trace, rng: Random) -> Trace | None:
    """A state of which nothing is left but a word."""
    at = rng.randrange(len(trace.steps))
    return trace.put(at, "the rest stays") if trace.holds(at) else None


def false_answer(trace: Trace, rng: Random) -> Trace | None:
    """A right answer becomes a false one; a plan loses its last move, or breaks a rule behind its end."""
    if trace.answer != f"Answer: {trace.seat.truth}":
        return None
    if not trace.seat.plans:
        other = next(one for one in trace.seat.some(5) if one != trace.seat.truth)
        return replace(trace, answer=f"Answer: {other}")
    moves = trace.seat.truth.split()
    return replace(trace, answer=f"Answer: {' '.join(moves[:-1]) or 'none'}")


def beyond_a_wall(trace: Trace, rng: Random) -> Trace | None:
    """A plan goes on from the goal until it breaks a rule."""
    if not trace.seat.plans or trace.answer != f"Answer: {trace.seat.truth}":
        return None
    return replace(trace, answer=f"{trace.answer} {' '.join([trace.seat.truth.split()[-1]] * 8)}")


def no_answer(trace: Trace, rng: Random) -> Trace | None:
    """No answer, nor what is read off for it."""
    return replace(trace, tail=(), answer=rng.choice(["", "Answer:", "That is all.", "Answer: I do not know"]))


def hedged(trace: Trace, rng: Random) -> Trace | None:
    """A right answer becomes one of two."""
    other = next(one for one in trace.seat.some(5) if one != trace.seat.truth)
    return replace(trace, answer=f"{trace.answer} or {other}") if trace.answer.endswith(trace.seat.truth) else None


def cut_off(trace: Trace, rng: Random) -> Trace | None:
    return replace(trace, finish="length")


def longer(trace: Trace, rng: Random) -> Trace | None:
    return replace(trace, tokens=trace.tokens + rng.choice([1, 50, 500, 5000]))


WORSE = (
    false_state,
    mangled_state,
    swapped,
    dropped,
    cut_short,
    emptied,
    said_again,
    other_action,
    only_what_stays,
    false_answer,
    beyond_a_wall,
    no_answer,
    hedged,
    cut_off,
    longer,
)


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
@settings(max_examples=60)
def test_a_worse_trace_never_earns_more(world, data):
    trace = traces(world)[data.draw(st.integers(0, len(traces(world)) - 1), label="trace")]
    rule = RewardRule(step_credit=0.2, price=data.draw(st.sampled_from(PRICES)), max_tokens=2048)
    rng = Random(data.draw(st.integers(0, 10_000)))
    trace = replace(trace, seat=Seat(trace.seat.problem, rng, 0))
    if data.draw(st.booleans(), label="wrong from the beginning"):
        trace = false_answer(trace, rng) or trace
    before, story = trace.earned(rule), list[str]()
    for worse in data.draw(st.lists(st.sampled_from(WORSE), min_size=1, max_size=5), label="worse"):
        spoiled = worse(trace, rng)
        if spoiled is None:
            continue
        story.append(worse.__name__)
        after = spoiled.earned(rule)
        assert after.total <= before.total + SLACK, f"{story}\n{trace.text}\n--- became ---\n{spoiled.text}"
        trace, before = spoiled, after
    assume(story)


@pytest.mark.parametrize("mutation", WORSE)
@pytest.mark.parametrize("world", WORLDS)
def test_each_mutation_is_at_work_and_earns_no_more(world, mutation):
    """Of right traces and of such as differ from them in a false answer alone, so that the steps are what counts."""
    at_work = 0
    for trace in traces(world)[::6]:
        for base in (trace, false_answer(trace, trace.seat.rng)):
            spoiled = mutation(base, Random(str(trace.seat.index)))
            if spoiled is None:
                continue
            at_work += 1
            assert spoiled.earned().total <= base.earned().total + SLACK, f"{base.text}\n--- became ---\n{spoiled.text}"
    assert at_work or mutation in (beyond_a_wall, swapped, said_again)


# Mental Rotation pays no steps: easy turns alone would earn more than chance (test_reward_players.py), which is near 0 there.
@pytest.mark.parametrize("world", [world for world in DESCRIBED if world != "mental_rotation"])
def test_the_share_is_that_of_the_right_steps_up_to_the_first_false_one(world):
    for trace in traces(world)[::2]:
        base = false_answer(trace, trace.seat.rng)
        number = len(base.steps)
        for k in range(number):
            others = sorted({trace.seat.start, *trace.true} - {trace.true[k]})
            broken = base.put(k, others[0])
            got = broken.earned()
            assert (got.steps_right, got.steps_asked) == (k, number), broken.text
            assert got.total == pytest.approx(0.2 * k / number), broken.text
            assert replace(broken, steps=broken.steps[: k + 1], tail=()).earned().total == pytest.approx(got.total)
        assert base.earned().total == pytest.approx(0.2)


@pytest.mark.parametrize("world", PLANNING)
def test_more_of_a_right_plan_never_earns_less_and_never_all(world):
    for trace in traces(world)[::2]:
        moves, last = trace.seat.truth.split(), 0.0
        for k in range(1, len(moves)):
            part = replace(trace, steps=trace.steps[:k], tail=(), answer=f"Answer: {' '.join(moves[:k])}")
            got = part.earned()
            assert last - SLACK <= got.total <= 0.2 + SLACK, part.text
            last = got.total


# --- what a single reward must hold to --------------------------------------------------------------------------------


def checked(**keys: float) -> RewardRule:
    """A rule as a recipe gives it: a recipe calls `check` of all that it holds."""
    rule = RewardRule(**{"step_credit": 0.2, "price": 0.0, "max_tokens": 2048, **keys})
    rule.check()
    return rule


def some_rewards(world: str, rule: RewardRule) -> tuple[list[Reward], list[Reward]]:
    """Rewards of right and of false responses, with few and with many tokens."""
    right, false = [], []
    for trace in traces(world)[::6]:
        for tokens in (0, 700, 100_000):
            right.append(replace(trace, tokens=tokens).earned(rule))
            right.append(reward(trace.seat.problem, trace.answer, tokens=tokens, rule=rule))
            false.append(replace(false_answer(trace, trace.seat.rng), tokens=tokens).earned(rule))
    return right, false


@pytest.mark.parametrize("credit", [0.0, 0.2, 0.29, 0.35, 0.49, 0.5, 0.9])
@pytest.mark.parametrize("price", [*PRICES, 0.6, 1.0])
def test_any_false_response_earns_less_than_half_of_any_right_one_or_the_rule_is_refused(price, credit):
    try:
        rule = checked(step_credit=credit, price=price)
    except (UserError, ValueError):
        assert credit >= (1 - price) / 2 - SLACK, "a rule that keeps the promise is refused"
        return
    for world in WORLDS:
        right, false = some_rewards(world, rule)
        assert all(one.right for one in right)
        assert not any(one.right for one in false)
        assert max(one.total for one in false) < min(one.total for one in right) / 2


@pytest.mark.parametrize("wrong", [{"price": -0.1}, {"step_credit": -0.1}, {"max_tokens": 0}, {"max_tokens": -5}])
def test_a_rule_that_pays_for_length_or_for_errors_is_refused(wrong):
    with pytest.raises((UserError, ValueError)):
        checked(**wrong)


@pytest.mark.parametrize("world", DESCRIBED)
def test_steps_beyond_the_last_one_earn_no_more_than_those_that_are_asked(world):
    for trace in traces(world)[::4]:
        wrong = false_answer(trace, trace.seat.rng)
        number, action, state = wrong.steps[-1]
        beyond = tuple((number + i, action, state) for i in range(1, 9))
        got = replace(wrong, steps=(*wrong.steps, *beyond)).earned()
        assert got.total <= wrong.earned().total + SLACK
        assert got.steps_right <= got.steps_asked


@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("world", WORLDS)
def test_more_tokens_never_earn_more_and_cost_false_answers_nothing(world, price):
    rule = RewardRule(step_credit=0.2, price=price, max_tokens=2048)
    counts = (0, 1, 10, 500, 1024, 2047, 2048, 2049, 50_000)
    for trace in traces(world)[::6]:
        right = [replace(trace, tokens=n).earned(rule).total for n in counts]
        wrong = false_answer(trace, trace.seat.rng)
        false = [replace(wrong, tokens=n).earned(rule).total for n in counts]
        assert right == sorted(right, reverse=True)
        assert (right[1] > right[5]) == (price > 0)
        assert len(set(false)) == 1
        assert min(right) > 0


@pytest.mark.parametrize("world", WORLDS)
def test_the_parts_add_up_and_the_same_is_earned_again(world):
    rule = RewardRule(step_credit=0.2, price=0.4, max_tokens=2048)
    for trace in traces(world)[::6]:
        for one in (trace, false_answer(trace, trace.seat.rng), replace(trace, finish="length")):
            got = one.earned(rule)
            assert got.total == pytest.approx(got.right + got.steps - abs(got.price))
            assert bool(got.right) == (got.verdict.correct and one.finish is None)
            assert 0 <= got.steps_right <= got.steps_asked
            assert got.steps_right <= steps_right(trace.seat.problem, one.text).right
            assert one.earned(rule) == got


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_cut_off_earns_nothing_even_where_all_of_it_is_right(world):
    for trace in traces(world)[::4]:
        for price in PRICES:
            rule = RewardRule(step_credit=0.2, price=price, max_tokens=2048)
            for one in (trace, false_answer(trace, trace.seat.rng), replace(trace, steps=(), tail=())):
                assert replace(one, finish="length").earned(rule).total == 0
                assert replace(one, finish="stop").earned(rule) == one.earned(rule)


def another_end(trace: Trace) -> Trace | None:
    """A plan of at least two moves whose last one is another legal move that misses the goal, told truly."""
    world, (*most, last) = trace.seat.world, trace.seat.truth.split()
    before = world.replay(trace.seat.problem.start, most)[-1]
    for other in world.legal_actions(before):
        if most and other != last and not world.judge(trace.seat.problem, (*most, other)).correct:
            told = tuple(trace.seat.told([*most, other]))
            return replace(trace, steps=told, tail=(), answer=f"Answer: {' '.join([*most, other])}")
    return None


@pytest.mark.parametrize("world", [world for world in WORLDS if world != "mental_rotation"])
def test_imagining_well_and_reading_off_falsely_earns_more_than_a_bare_false_answer(world):
    for trace in traces(world)[::4]:
        wrong = false_answer(trace, trace.seat.rng)
        if trace.seat.plans and (wrong := another_end(trace)) is None:
            continue
        assert earned(fresh(trace.seat, "bare"), wrong.answer).total == 0
        assert wrong.earned().total > 0, wrong.text
