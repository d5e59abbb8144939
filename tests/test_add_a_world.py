"""The page `docs/add-a-world.md`, tried by doing it: its files go into a copy of the package, its commands are run there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import pytest

import idf
from idf.data import open_dataset, text_of

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "add-a-world.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = ("idf/worlds/lamp_row.py", "idf/drawing/lamp_row.py")
PROGRAMS = {
    "idf": ["-c", "import sys; sys.argv[0] = 'idf'; from idf.cli.main import main; main()"],
    "idf-eval": ["-c", "import sys; sys.argv[0] = 'idf-eval'; from idf.cli.evaluate import main; main()"],
    "mypy": ["-m", "mypy"],
    "ruff": ["-m", "ruff"],
}
KINDS = {"goal", "inverse", "masked", "reading", "rollout", "step"}  # every switch is always legal: no "legality"


class Console(NamedTuple):
    """A command on the page, and the lines that the page shows below it."""

    command: str
    shown: list[str]


def consoles() -> list[Console]:
    found: list[Console] = []
    inside = False
    for line in PAGE.splitlines():
        if line.startswith("    $ "):
            inside = True
            found.append(Console(line.removeprefix("    $ "), []))
        elif inside and line.startswith("    "):
            found[-1].shown.append(line.removeprefix("    "))
        else:
            inside = False
    return found


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder that holds a package `idf` of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the package, with the two files of the page and nothing else."""
    folder = tmp_path_factory.mktemp("sixth")
    shutil.copytree(Path(idf.__file__).parent, folder / "idf", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, block in zip(FILES, BLOCKS, strict=False):
        assert f"`{name}`\n" in PAGE.split(block)[0].rpartition("## ")[2], "each file follows a heading with its name"
        assert not (folder / name).exists()
        (folder / name).write_text(block)
    return folder


@pytest.fixture(scope="module")
def outputs(copy) -> dict[str, list[str]]:
    """What the commands of the page print, one run after the other."""
    printed = {}
    for command, _ in consoles():
        program, *arguments = shlex.split(command)
        done = run(copy, *PROGRAMS[program], *arguments)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        printed[command] = done.stdout.replace(f"{copy}/", "").splitlines()
    return printed


def test_the_page_goes_all_the_way():
    commands = [" ".join(console.command.split()[:2]) for console in consoles()]
    for step in ("imagery", "stats", "gallery", "traces", "filter", "suite"):
        assert f"idf {step}" in commands
    for step in ("idf-eval --baseline", "mypy idf/worlds/lamp_row.py", "ruff check"):
        assert step in commands
    assert all(console.shown for console in consoles())


@pytest.mark.parametrize("console", consoles(), ids=lambda console: console.command)
def test_every_command_prints_what_the_page_shows(console, outputs):
    left = iter(outputs[console.command])
    for line in console.shown:
        assert line == "..." or line in left, f"not printed, or not in this order: {line}"


def test_the_new_world_is_found_and_drawn_without_any_other_change(copy):
    code = "from idf.worlds import WORLDS; from idf.drawing import picture_size; print(*WORLDS, picture_size('lamp_row', None))"
    names = "cube_rolling lamp_row mental_rotation moving_box rubiks_cube wood_slide"
    assert run(copy, "-c", code).stdout == f"{names} (672, 168)\n"


def test_imagery_samples_are_of_every_kind_that_the_world_has(copy, outputs):
    counts = json.loads((copy / "data/lamps/dataset.json").read_text())["counts"]
    assert list(counts) == ["lamp_row"]
    assert [set(by_kind) for by_kind in counts["lamp_row"].values()] == [KINDS] * 3


def test_the_sample_on_the_page_is_one_of_the_samples(copy, outputs):
    _, _, page = PAGE.partition("`rollout`")
    shown = re.findall(r"(?<=\n\n)(?:    .+\n)+", page)[:2]
    prompt, response = ("".join(line.removeprefix("    ") for line in part.splitlines(True)).strip() for part in shown)
    said = {
        tuple(text_of(message) for message in sample.messages): sample.kind
        for sample in open_dataset(copy / "data/lamps", made_by="idf imagery").samples()
    }
    assert said[prompt, response] == "rollout"


def test_the_filter_proves_every_step_of_all_traces_of_the_oracle(copy, outputs):
    manifest = json.loads((copy / "data/lamps-traces/dataset.json").read_text())
    assert manifest["samples"] == 300
    assert manifest["recipe"]["level"] == "process"
    candidates = open_dataset(copy / "data/lamps-candidates", made_by="idf traces").samples()
    traces = open_dataset(copy / "data/lamps-traces", made_by="idf filter").samples()
    assert {trace.id for trace in traces} == {candidate.id for candidate in candidates}


def test_the_oracle_is_right_in_every_mode_and_a_guess_is_not(copy, outputs):
    oracle, chance = (
        json.loads((copy / f"runs/lamps-{name}/results.json").read_text())["worlds"]["lamp_row"]
        for name in ("oracle", "random")
    )
    assert {mode: (rows["all"]["n"], rows["all"]["accuracy"]) for mode, rows in oracle.items()} == {
        mode: (60, 1.0) for mode in ("vqa", "tqa", "vtqa")
    }
    assert all(rows["all"]["accuracy"] < 0.1 for rows in chance.values())


def test_the_properties_that_the_page_asks_for_hold(copy):
    assert len(BLOCKS) == 6, "two files, the loop, a notation, a kind and what returns it"
    done = run(copy, "-c", BLOCKS[2])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("abs(lamp - pressed) <= 1", "0 <= lamp - pressed <= 1"),
        ("rng.choice(self.sizes(difficulty))", "rng.choice(range(1, 13))"),
        ("min(twins)", "twins[0]"),
        ('digit == "1"', 'digit == "0"'),
    ],
)
def test_the_properties_that_the_page_asks_for_find_a_mistake(copy, tmp_path, right, wrong):
    shutil.copytree(copy / "idf", tmp_path / "idf", ignore=shutil.ignore_patterns("__pycache__"))
    world = tmp_path / FILES[0]
    assert BLOCKS[0].count(right) == 1
    world.write_text(BLOCKS[0].replace(right, wrong))
    done = run(tmp_path, "-c", BLOCKS[2])
    assert done.returncode == 1
    assert "AssertionError" in done.stderr


def test_the_page_names_the_parts_that_a_world_must_have_and_those_with_a_default(copy):
    code = (
        "from idf.worlds import World; from idf.worlds.lamp_row import LampRow as lamps\n"
        "must = {*World.__abstractmethods__, *World.__annotations__}\n"
        "may = {n for n in vars(World) if callable(getattr(World, n)) and n not in must and not n.startswith('_')}\n"
        "import json; print(json.dumps([sorted(must), sorted(may)]))"
    )
    must, may = json.loads(run(copy, "-c", code).stdout)
    _, required, defaults, *_ = re.split(r"^\| (?:part|default) \|.*\n", PAGE, flags=re.MULTILINE)
    named = [set(re.findall(r"`(\w+)`", part.split("\n\n")[0])) for part in (required, defaults)]
    assert set(must) <= named[0] | named[1] | {"colours"}, "colours are for worlds that answer with them"
    inherited = {"question", "replay", "unroll", "course", "sizes", "difficulty", "imagine"}
    assert set(may) - inherited <= named[1]


# --- a notation and a kind of one's own ---------------------------------------------------------------------------

EXAMPLE = (ROOT / "docs" / "examples" / "tower.py").read_text()
MORE = {"idf/worlds/tower.py": (3, EXAMPLE), "idf/answers/cell.py": (4, BLOCKS[4])}
TOWER = r"""
from idf.scoring import score
from idf.worlds import WORLDS, Problem
from idf.worlds.tower import Query

problem = Problem("tower", "easy", (0, 0, 2, 2), Query("b b c c"))
said = {
    "Answer: a->c a->b c->b": True,
    "Answer: 1. Move disc from A to C\n2. Move disc from A to B\n3. Move the disc from C to B": True,
    "\\boxed{a \\to c,\\ a \\to b,\\ c \\to b}": True,
    "Answer: a to c, then a to b, then c to b (3 moves)": True,
    "Answer: a->c a->b c->b (4 moves)": False,
    "Answer: a->c, a->b, c->bd": False,
    "Answer: a->c, maybe a->b, c->b": False,
    "Answer: a->c a->b c->b\n\nThis fails.": False,
    "Answer: a->b a->c b->c": False,
}
print({text: score(problem, text).correct for text in said} == said, WORLDS["tower"].answer(problem).write(("a->c", "a->b")))
"""
CELL = r"""
from idf.answers import KINDS
from idf.scoring import write_answer
from idf.scoring._response import _read_text

ant = AntWorld.answers[0]
read = {text: _read_text(ant, text, cut_off=False).answer for text in (
    "Answer: (3,2)", "**Answer:** row 3, column 2", "\\boxed{(3, 2)}", '{"answer": "3,2"}', "The answer is (3,2).",
    "Answer: (3,2)\n\nCorrection: (1,1)", "Answer: (7,2)", "Answer: (3,2) or (2,3)", "Answer: near (3,2)",
)}
print(list(KINDS), write_answer("cell", "3,2"), list(read.values()))
"""


@pytest.fixture(scope="module")
def more(tmp_path_factory) -> Path:
    """A copy of the package with the world that has a notation of its own, and with the kind of its own."""
    folder = tmp_path_factory.mktemp("more")
    shutil.copytree(Path(idf.__file__).parent, folder / "idf", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, (block, text) in MORE.items():
        assert f"`{name}`\n" in PAGE.split(BLOCKS[block])[0].rpartition("\n## ")[2]
        (folder / name).write_text(text)
    return folder


def test_the_notation_on_the_page_is_that_of_the_whole_file():
    assert "[Tower](examples/tower.py)" in PAGE
    assert EXAMPLE.count(indent(BLOCKS[3], "    ")) == 1


def test_a_world_with_a_notation_of_its_own_is_read_in_it(more):
    done = run(more, "-c", TOWER)
    assert done.stdout == "True a->c a->b\n", done.stdout + done.stderr


def test_a_kind_of_its_own_is_one_file(more):
    done = run(more, "-c", BLOCKS[5] + CELL)
    kinds = ["cell", "colour", "colour_counts", "count", "plan"]
    read = ["3,2"] * 5 + ["1,1", None, None, None]
    assert done.stdout == f"{kinds} (3,2) {read}\n", done.stdout + done.stderr


def test_both_are_typed_and_tidy_as_they_stand_on_the_page(more):
    assert run(more, "-m", "mypy", *MORE).stdout == "Success: no issues found in 2 source files\n"
    done = run(more, "-m", "ruff", "check", *MORE)
    assert done.stdout == "All checks passed!\n"
