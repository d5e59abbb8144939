"""The two tutorials, done: the commands of each page run in order in an empty folder, and print what the page shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "idf": ["-c", "import sys; sys.argv[0] = 'idf'; from idf.cli.main import main; main()"],
    "idf-eval": ["-c", "import sys; sys.argv[0] = 'idf-eval'; from idf.cli.evaluate import main; main()"],
    "python": [],
    "torchrun": ["-m", "torch.distributed.run"],
}
SMALLER = "  # smaller: "


class Console(NamedTuple):
    """A command on a page, with what the page offers to make it smaller, and the lines that the page shows below it."""

    command: str
    smaller: str
    shown: list[str]


def consoles(page: str) -> list[Console]:
    found: list[Console] = []
    inside = False
    for line in page.splitlines():
        if line.startswith("    $ "):
            inside = True
            command, _, smaller = line.removeprefix("    $ ").partition(SMALLER)
            found.append(Console(command, smaller, []))
        elif inside and line.startswith("    "):
            found[-1].shown.append(line.removeprefix("    "))
        else:
            inside = False
    return found


def first_not_printed(shown: list[str], printed: list[str]) -> str | None:
    """The first line of a page that no line of the output matches, after those that matched; "..." stands for anything."""
    left = iter(printed)
    for line in shown:
        pattern = re.compile(".*".join(re.escape(part) for part in line.rstrip().split("...")))
        if not any(pattern.fullmatch(said.rstrip()) for said in left):
            return line
    return None


def walk_through(name: str, folder: Path) -> None:
    """Write the files of a tutorial, then run its commands; each must print what stands below it."""
    page = (ROOT / "docs" / name).read_text()
    for file, block in re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        (folder / file).write_text(block)
    # torchrun gives each rank one thread, unless somebody says otherwise
    kept = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    for command, smaller, shown in consoles(page):
        program, *arguments = shlex.split(f"{command} {smaller}")
        done = subprocess.run(
            [sys.executable, *PROGRAMS[program], *arguments],
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        missing = first_not_printed(shown, done.stdout.splitlines())
        assert missing is None, f"{command} does not print, or not in this order: {missing}\n{done.stdout}"


def commands(name: str) -> list[str]:
    return [" ".join(console.command.split()[:2]) for console in consoles((ROOT / "docs" / name).read_text())]


def test_answers_are_scored_compared_and_put_into_a_paper(tmp_path):
    steps = ["idf suite", "idf prompts", "python client.py", "idf-eval --responses", "idf compare", "idf table"]
    assert list(dict.fromkeys(commands("tutorial-score.md"))) == steps
    walk_through("tutorial-score.md", tmp_path)
    table = (tmp_path / "table.tex").read_text()
    assert r"\toprule" in table
    assert "always-red" in table


@pytest.mark.slow
def test_the_tiny_model_is_trained_and_its_report_is_there(tmp_path):
    for name in ("launch", "recipes"):
        (tmp_path / name).symlink_to(ROOT / name)
    assert {"torchrun --standalone", "idf-eval checkpoints/quickstart/stage2/final", "idf table"} <= set(
        commands("tutorial-train.md")
    )
    walk_through("tutorial-train.md", tmp_path)
    assert (tmp_path / "runs/quickstart/stage2/report.html").stat().st_size > 10_000


def test_a_line_that_is_not_printed_is_found():
    assert first_not_printed(["a", "...", "c 1..."], ["a", "b", "c 10"]) is None
    assert first_not_printed(["c", "a"], ["a", "b", "c"]) == "a"
    assert first_not_printed(["a 1"], ["a 2"]) == "a 1"
