"""The environments of Gymnasium, by its own checker and in both of its vector forms."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from idf.env import Oracle
from idf.worlds import WORLDS
from tests.integrations.suites import needs
from tests.sentences import refused

pytestmark = [needs("gymnasium")]
IDS = {name: f"idf/{name.title().replace('_', '')}-v0" for name in WORLDS}
SMALL = {"max_pixels": 50_176}


def made(world: str, **options: Any) -> Any:
    import gymnasium

    import idf.integrations.gymnasium  # noqa: F401 (registers)

    return gymnasium.make(IDS[world], **options)


@pytest.mark.parametrize("show", ["text", "picture", "both"])
@pytest.mark.parametrize("world", list(WORLDS))
def test_gymnasiums_checker_passes(world, show):
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(made(world, show=show, **SMALL).unwrapped)
        check_env(made("moving_box", show="window", radius=2).unwrapped)


@pytest.mark.parametrize("world", list(WORLDS))
def test_the_oracle_solves_20_episodes_and_everything_seen_is_in_the_space(world):
    env = made(world, difficulty="hard", show="both", probe_every=2, **SMALL)
    for number in range(20):
        seen, _ = env.reset(seed=number)
        oracle, done = Oracle(env.unwrapped.episode), False
        assert seen in env.observation_space
        while not done:
            seen, reward, done, truncated, told = env.step(oracle.reply())
            assert seen in env.observation_space
            assert not truncated
        assert (reward, told["wrong"], told["illegal"]) == (1.0, 0, 0)


def test_a_module_can_be_named_in_front_of_the_environment():
    import gymnasium

    env = gymnasium.make("idf.integrations.gymnasium:idf/WoodSlide-v0", difficulty="medium", split="eval")
    assert env.unwrapped.episode._source.split == "eval"


@pytest.mark.parametrize(
    ("mode", "settings"),
    [
        ("sync", {}),
        ("async", {}),
        ("async", {"shared_memory": False}),
        ("async", {"copy": False}),
    ],
)
def test_both_vector_forms_show_the_text_of_each_step_beside_its_picture(mode, settings):
    """As each environment alone shows it."""
    import gymnasium

    options = {"show": "both", "difficulty": "hard", **SMALL}
    alone = [made("moving_box", **options) for _ in range(2)]
    expected = [[env.reset(seed=seed)[0]] for env, seed in zip(alone, (3, 4), strict=True)]
    replies = [("hm", "u"), ("d", "l"), ("r", "Move: u"), ("é", "d")]
    for reply in replies:
        for env, said, told in zip(alone, reply, expected, strict=True):
            told.append(env.step(said)[0])
    vector = gymnasium.make_vec(
        IDS["moving_box"], num_envs=2, vectorization_mode=mode, vector_kwargs=settings, **options
    )
    try:
        seen, _ = vector.reset(seed=3)
        for number, reply in enumerate([None, *replies]):
            if reply is not None:
                seen = vector.step(reply)[0]
            for one, told in enumerate(expected):
                assert seen["text"][one] == told[number]["text"]
                assert (seen["picture"][one] == told[number]["picture"]).all()
        texts = {text for told in expected for text in (each["text"] for each in told)}
        assert len(texts) > 4, "what is frozen would be one text"
    finally:
        vector.close()


def test_what_was_seen_stays_as_it_was_when_the_next_step_comes():
    import gymnasium

    made("moving_box")
    vector = gymnasium.make_vec(IDS["moving_box"], num_envs=2, vectorization_mode="async", split="eval")
    try:
        first = vector.reset(seed=1)[0]["text"]
        kept = tuple(first)
        second = vector.step(("hm", "hm"))[0]["text"]
        assert tuple(first) == kept
        assert tuple(second) != kept
    finally:
        vector.close()


def test_a_text_space_of_gymnasium_itself_is_frozen_which_is_why_ours_is_not_one():
    """When this fails, Gymnasium has mended it: `_live_text.py` can go."""
    from gymnasium.spaces import Text
    from gymnasium.vector.utils import create_shared_memory, read_from_shared_memory, write_to_shared_memory

    from idf.integrations._live_text import LiveText

    found = {}
    for kind in (Text, LiveText):
        space = kind(5)
        memory = create_shared_memory(space, n=1)
        write_to_shared_memory(space, 0, "first", memory)
        texts = read_from_shared_memory(space, memory, n=1)
        write_to_shared_memory(space, 0, "next", memory)
        found[kind] = texts[0]
    assert found == {Text: "first", LiveText: "next"}


def test_a_spent_budget_truncates_and_a_false_answer_terminates():
    env = made("moving_box", max_moves=1)
    env.reset(seed=0)
    assert env.step("hm")[2:4] == (False, True)
    env = made("cube_rolling")
    env.reset(seed=0)
    episode = env.unwrapped.episode
    while episode.asks == "state":
        env.step(Oracle(episode).reply())
    _, reward, terminated, truncated, told = env.step("Answer: é")
    assert (reward, terminated, truncated, told["error"]) == (0.0, True, False, "unparsed")


def test_without_a_seed_two_environments_meet_other_problems():
    texts = {made("rubiks_cube", difficulty="hard").reset()[0]["text"] for _ in range(4)}
    assert len(texts) > 1


def test_bad_options_are_refused_in_our_words():
    with refused("window", "wood_slide", "agent"):
        made("wood_slide", show="window")
    with refused("difficulty", "extreme"):
        made("wood_slide", difficulty="extreme")
