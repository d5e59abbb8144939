"""`import idf`: five lines that print something, and nothing that is not needed for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import idf
from idf import scoring
from idf.drawing import draw
from idf.errors import UserError
from idf.suites import SuiteRecipe, draw_items, prompt_text
from idf.worlds import DIFFICULTIES, WORLDS

HEAVY = ("numpy", "PIL", "pyarrow", "yaml", "tqdm", "httpx", "jinja2", "matplotlib", "regex", "torch", "transformers")


def test_import_and_first_score_load_nothing_beyond_the_standard_library() -> None:
    program = f"""
import sys
import idf
assert not [name for name in sys.modules if name.startswith("idf.")], "import idf is lazy"
problem = idf.problem("cube_rolling", seed=1)
assert idf.score(problem, problem.solution).correct and problem.text
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_world_is_asked_shown_and_judged(world: str, difficulty: str) -> None:
    problem = idf.problem(world, seed=2, difficulty=difficulty)
    assert problem == idf.problem(world, seed=2, difficulty=difficulty)
    assert problem.scene.difficulty == difficulty
    assert problem.text == prompt_text(problem.scene, "tqa", "idf-long-1")
    assert problem.prompt("vqa", "idf-short-1") == prompt_text(problem.scene, "vqa", "idf-short-1")
    assert np.array_equal(np.asarray(problem.picture(200704)), draw(problem.scene, 200704))
    for response in (problem.solution, f"Answer: {problem.answer}"):
        assert idf.score(problem, response).correct
    assert idf.score(problem, "").error == "empty"
    assert idf.score(problem, "I begin with", "length").error == "truncated"


def test_a_response_is_rewarded_as_in_scoring() -> None:
    problem = idf.problem("cube_rolling", seed=1)
    rule = idf.RewardRule(price=0.5, max_tokens=200)
    got: idf.Reward = idf.reward(problem, problem.solution, tokens=100, rule=rule)
    assert got == scoring.reward(problem.scene, problem.solution, tokens=100, rule=rule)
    assert got.total == 0.75
    assert idf.reward(problem, problem.solution, tokens=100).total == 1
    assert idf.reward(problem, problem.solution, tokens=100, finish_reason="length").total == 0


def test_problems_are_those_of_a_suite() -> None:
    items, _ = draw_items(SuiteRecipe(items=1, seed=5))
    drawn = [idf.problem(world, seed=5, difficulty=difficulty).scene for world in WORLDS for difficulty in DIFFICULTIES]
    assert drawn == [item.problem for item in items]
    assert idf.problem("moving_box").scene != idf.problem("moving_box", index=1).scene


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"world": "cube"}, ("world", "'cube'", "cube_rolling")),
        ({"world": "moving_box", "difficulty": "mad"}, ("difficulty", "'mad'", "medium")),
        ({"world": "moving_box", "index": -1}, ("index", "-1")),
    ],
)
def test_a_wrong_argument_is_named_with_what_would_be_right(arguments: dict, words: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as refused:
        idf.problem(**arguments)
    assert all(word in str(refused.value) for word in words)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="rubik"):
        idf.rubik  # noqa: B018
    assert {"problem", "reward", "score", "Problem", "Reward", "RewardRule", "Verdict", "__version__"} <= set(dir(idf))


def test_it_is_typed_for_users(tmp_path: Path) -> None:
    program = """
import idf
from PIL.Image import Image

problem: idf.Problem = idf.problem("cube_rolling", seed=1)
text: str = problem.text
picture: Image = problem.picture()
right: bool = idf.score(problem, "Answer: red").correct
wrong: int = idf.problem("cube_rolling").text
"""
    path = tmp_path / "user.py"
    path.write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(path)],
        capture_output=True,
        text=True,
    )
    complaints = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(complaints) == 1, done.stdout
    assert "user.py:9" in complaints[0]
