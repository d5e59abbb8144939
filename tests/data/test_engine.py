"""Who does the work: every task once, errors as they are, and no process left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from idf.data import LocalEngine, cores, open_engine
from idf.data._engine import RayEngine, WorkerDied
from idf.errors import UserError
from tests.sentences import refused


def square(task: int) -> int:
    return task * task


def refuse_seven(task: int) -> int:
    if task == 7:
        raise UserError("seven cannot be done")
    return task


def die_at_two(task: int) -> int:
    if task == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def process(task: int) -> int:
    return os.getpid()


def test_every_task_is_done_once_and_its_answer_bears_its_number():
    with LocalEngine(2) as engine:
        assert dict(engine.run(square, range(20))) == {n: n * n for n in range(20)}
        assert dict(engine.run(square, [5, 4])) == {0: 25, 1: 16}, "a second time, in the same processes"
        assert list(engine.run(square, [])) == []
        assert len(children()) == 2
    assert not children()


prepared: list[int] = []


def prepare() -> None:
    prepared.append(os.getpid())


def prepared_for(task: int) -> bool:
    return prepared == [os.getpid()]


def test_each_worker_is_prepared_once_and_this_process_never():
    with LocalEngine(2, prepare) as engine:
        assert all(dict(engine.run(prepared_for, range(20))).values())
        assert dict(engine.run(prepared_for, [1])) == {0: False}
    assert not prepared


def children() -> list[object]:
    return multiprocessing.active_children()


def test_one_worker_is_this_process_and_so_is_the_worker_of_a_single_task():
    assert dict(LocalEngine().run(process, [1, 2])) == {0: os.getpid(), 1: os.getpid()}
    with LocalEngine(2) as engine:
        assert dict(engine.run(process, [1])) == {0: os.getpid()}
        assert not children()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_comes_as_its_sentence_and_the_engine_goes_on(workers):
    with LocalEngine(workers) as engine:
        with pytest.raises(UserError, match=r"^seven cannot be done$"):
            list(engine.run(refuse_seven, range(12)))
        assert dict(engine.run(refuse_seven, [1, 2])) == {0: 1, 1: 2}
    assert not children()


def test_a_worker_that_is_killed_is_told_as_such_and_takes_no_other_process_with_it():
    with LocalEngine(2) as engine, refused("worker", "died", by=WorkerDied):
        list(engine.run(die_at_two, range(8)))
    assert not children()


def test_answers_come_while_later_tasks_wait():
    asked = []

    class Tasks(list):
        def __iter__(self):
            for task in super().__iter__():
                asked.append(task)
                yield task

    with LocalEngine(2) as engine:
        answers = engine.run(square, Tasks(range(40)))
        next(answers)
        assert len(asked) <= 8, "a long queue of tasks would be held in memory"
        assert len(list(answers)) == 39


@pytest.mark.parametrize(
    ("name", "workers", "why"),
    [
        ("spark", 1, ("unknown engine", "'spark'", "local, ray")),
        ("local", 0, ("workers", 1, 0)),
        ("ray", -2, ("workers", 1, -2)),
    ],
)
def test_an_engine_that_does_not_exist_is_refused_in_words(name, workers, why):
    with refused(*why):
        open_engine(name, workers)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with refused("--engine ray", "pip install 'idf[ray]'"):
        RayEngine(2)


def test_without_a_number_there_are_as_many_workers_as_cores_and_no_more_than_full_shards(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.setattr("idf.data._engine.cores", partial(cores, Path("/no/quota")))
    assert open_engine().workers == 6
    assert [open_engine(shards=shards).workers for shards in (0, 1, 4, 20)] == [1, 1, 4, 6]
    assert open_engine(workers=3, shards=0).workers == 3, "who names a number gets it"


@pytest.mark.parametrize(
    ("said", "number"), [("max 100000", 6), ("250000 100000", 2), ("50000 100000", 1), ("900000 100000", 6)]
)
def test_cores_that_a_container_may_not_use_do_not_count(tmp_path, monkeypatch, said, number):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    quota = tmp_path / "cpu.max"
    quota.write_text(said + "\n")
    assert cores(quota) == number


def test_one_process_keeps_what_it_frees_while_it_works_and_gives_it_back_at_the_end(monkeypatch):
    told = []
    libc = SimpleNamespace(
        mallopt=lambda option, value: told.append((option, value >> 20)), malloc_trim=lambda pad: told.append("trim")
    )
    monkeypatch.setattr("idf.data._engine._glibc", lambda: libc)
    answers = LocalEngine().run(square, [1, 2])
    next(answers)
    assert told == [(-1, 512), (-3, 32)]
    assert list(answers) == [(1, 4)]
    assert told[2:] == [(-1, 64), "trim"]
