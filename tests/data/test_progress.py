"""The time left that data commands show: that of the work, not of starting workers."""

from __future__ import annotations

import io
import pickle
import time

import pytest

from idf.data import LocalEngine
from idf.data._progress import Timed, WorkBar, timed


def bar_of(workers: int, **settings: object) -> tuple[WorkBar, io.StringIO]:
    shown = io.StringIO()
    return WorkBar(workers, total=20, unit=" samples", file=shown, ascii=True, ncols=120, **settings), shown


def last(shown: io.StringIO) -> str:
    return shown.getvalue().split("\r")[-1]


def test_the_time_left_is_that_of_the_work_of_all_workers():
    bar, shown = bar_of(2)
    time.sleep(0.3)  # workers start
    bar.did(5, Timed("a", 50.0, True))
    bar.refresh()
    assert "<01:15, " in last(shown), "15 samples at 10 s each, two at a time"
    bar.close()


def test_first_tasks_are_forgotten_once_there_are_others():
    bar, shown = bar_of(2)
    bar.did(5, Timed("loaded much", 500.0, True))
    bar.did(5, Timed("loaded much", 500.0, True))
    bar.did(5, Timed("only worked", 20.0, False))
    bar.refresh()
    assert "<00:10, " in last(shown), "5 samples at 4 s each, two at a time"
    assert "15/20" in last(shown)
    bar.close()


def test_more_than_the_whole_is_not_shown():
    bar, shown = bar_of(1)
    bar.did(15, Timed("a", 1.0, False))
    bar.did(50, Timed("some are put back", 1.0, False))
    bar.refresh()
    assert "20/20" in last(shown)
    bar.close()


def test_nothing_is_promised_before_a_task_is_done():
    bar, shown = bar_of(4)
    bar.refresh()
    assert "<?, " in last(shown)
    bar.close()


def double(number: int) -> int:
    time.sleep(0.02)
    return 2 * number


@pytest.mark.parametrize("workers", [1, 2])
def test_tasks_are_timed_where_they_run(workers: int):
    with LocalEngine(workers) as engine:
        begun = time.perf_counter()
        found = dict(engine.run(timed(double), range(6)))
        passed = time.perf_counter() - begun
    assert {number: task.result for number, task in found.items()} == {number: 2 * number for number in range(6)}
    assert all(0.02 <= task.seconds < passed for task in found.values())
    assert 1 <= sum(task.first for task in found.values()) <= workers


def test_a_timed_function_can_be_pickled():
    assert pickle.loads(pickle.dumps(timed(double)))(4).result == 8
