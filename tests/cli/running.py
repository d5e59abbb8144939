"""Running a command in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from idf.cli.evaluate import main as idf_eval
from idf.cli.main import main as idf


def status_of(command: Callable[[list[str]], None], arguments: tuple[object, ...]) -> int:
    """The exit status of a command; every command ends by SystemExit."""
    with pytest.raises(SystemExit) as ended:
        command([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def run(*arguments: object) -> int:
    return status_of(idf, arguments)


def evaluate(*arguments: object) -> int:
    return status_of(idf_eval, arguments)


def one_sentence(capsys: pytest.CaptureFixture[str], program: str) -> str:
    """What a command that failed said: one line after the progress bars, no traceback."""
    said = capsys.readouterr().err
    assert "Traceback" not in said
    _, mark, sentence = said.partition(f"{program}: error: ")
    assert mark, said
    assert sentence.endswith("\n")
    assert sentence.count("\n") == 1, "one line, and nothing after it"
    return sentence.strip()
