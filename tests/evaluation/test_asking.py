"""The loop that asks, with answers on disk: nothing is lost, nothing is asked twice, no batch depends on what is known."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from idf.backends import Backend, Journal, Request, Response
from idf.evaluation import Answers
from idf.evaluation.run.generation import ask_all, collect, missing
from idf.evaluation.run.queries import Form, Requests, all_asks
from tests.evaluation.samples import ITEMS
from tests.sentences import refused

FORM = Form("idf-short-1", 12_544)
ASKS = all_asks(ITEMS, ["tqa", "vtqa"])
REQUESTS = Requests(ASKS, FORM)
KEYS = [f"{ask.item.id} {ask.mode}" for ask in ASKS]


class Stopped(Exception):
    pass


class Scripted(Backend):
    """Says which requests were computed together; stops after so many answers."""

    name = "fake"

    def __init__(self, most: int = 10**9, fails: bool = False, fixed_batch_size: int | None = None) -> None:
        self.most, self.fails, self.asked, self.fixed_batch_size = most, fails, 0, fixed_batch_size

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        together = sorted(str(request.messages) for request in requests)
        for i in range(len(requests)):
            if self.asked == self.most:
                raise Stopped
            self.asked += 1
            if self.fails:
                yield i, Response("", finish_reason="error", error="no")
            else:
                yield i, Response(f"{requests[i].messages} of {together}", 1, 1, "stop")


def texts(answers: Answers) -> list[str]:
    return [response.text for response in collect(KEYS, answers)]


@pytest.mark.parametrize("batch_size", [1, 3, 5, None])
def test_a_run_that_is_stopped_again_and_again_ends_with_the_answers_of_one_that_is_not(tmp_path, batch_size):
    straight = Answers()
    ask_all(REQUESTS, KEYS, straight, Scripted(fixed_batch_size=batch_size), show=False)
    stops = 0
    while True:
        with Answers(tmp_path / "a") as answers:
            try:
                ask_all(REQUESTS, KEYS, answers, Scripted(most=7, fixed_batch_size=batch_size), show=False)
                break
            except Stopped:
                stops += 1
    assert stops >= 1
    if batch_size is not None:  # without one, whoever answers forms batches of what is left
        assert texts(Answers(tmp_path / "a")) == texts(straight)
    assert missing(KEYS, Answers(tmp_path / "a")) == 0


def test_half_a_line_at_the_end_is_asked_again(tmp_path):
    with Answers(tmp_path) as answers:
        ask_all(REQUESTS, KEYS, answers, Scripted(fixed_batch_size=4), show=False)
    before = texts(Answers(tmp_path))
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    assert missing(KEYS, Answers(tmp_path)) == 1
    again = Scripted(fixed_batch_size=4)
    with Answers(tmp_path) as answers:
        ask_all(REQUESTS, KEYS, answers, again, show=False)
    assert again.asked == 4, "the whole batch, so that it is computed as before"
    assert texts(Answers(tmp_path)) == before


def test_what_is_answered_is_not_asked_again(tmp_path):
    for expected in (len(ASKS), 0):
        backend = Scripted()
        with Answers(tmp_path) as answers:
            ask_all(REQUESTS, KEYS, answers, backend, show=False)
        assert backend.asked == expected


def test_failures_are_kept_as_such_and_asked_again(tmp_path):
    with Answers(tmp_path) as answers:
        ask_all(REQUESTS, KEYS, answers, Scripted(fails=True), show=False)
    assert {response.error for response in collect(KEYS, Answers(tmp_path))} == {"no"}
    with Answers(tmp_path) as answers:
        ask_all(REQUESTS, KEYS, answers, Scripted(), show=False)
    assert {response.error for response in collect(KEYS, Answers(tmp_path))} == {None}


@pytest.mark.parametrize("batch_size", [3, None])
def test_workers_share_everything_and_answer_as_one_would(tmp_path, batch_size):
    asked = []
    for i in range(3):
        backend = Scripted(fixed_batch_size=batch_size)
        with Answers(tmp_path) as answers:
            ask_all(REQUESTS, KEYS, answers, backend, share=(i, 3), show=False)
        asked.append(backend.asked)
    assert sum(asked) == len(ASKS)
    assert min(asked) > 0
    if batch_size is not None:
        straight = Answers()
        ask_all(REQUESTS, KEYS, straight, Scripted(fixed_batch_size=batch_size), show=False)
        assert texts(Answers(tmp_path)) == texts(straight)


def test_what_was_never_asked_is_an_error_that_says_so():
    assert {response.error for response in collect(KEYS, Answers())} == {"never asked"}
    assert missing(KEYS, Answers()) == len(KEYS)


def test_a_damaged_file_of_answers_is_named(tmp_path: Path):
    with Answers(tmp_path) as answers:
        ask_all(REQUESTS, KEYS, answers, Scripted(), show=False)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_text(path.read_text().replace("\n{", "\n[", 2))
    with refused(f"{path}, line 2", "not a reply", "delete"):
        Answers(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with refused(tmp_path / "a", "file", "folder"):
        Answers(tmp_path / "a")


def test_an_answer_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("idf.backends._journal.os.fsync", full)
    with refused("cannot be written", "No space left on device"), Answers(tmp_path) as answers:
        answers.add("a", Response("x"))


def test_what_is_left_of_a_failed_write_is_no_second_error_at_the_end(tmp_path):
    journal = Journal(tmp_path / "j", {})
    file = journal._file

    class Full:
        def close(self) -> None:
            file.close()
            raise OSError(errno.ENOSPC, "No space left on device")

    journal._file = Full()  # type: ignore[assignment]
    journal.__exit__(None, None, None)
