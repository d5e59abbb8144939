"""Settings of all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import settings

# The same examples in every run: what fails, fails for everybody.
settings.register_profile("idf", derandomize=True, deadline=None)
settings.load_profile("idf")

# A shell without job control starts what runs in its background with SIGINT ignored, and its children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

MARK = "IDF_TESTS"
os.environ[MARK] = str(os.getpid())


def pytest_addoption(parser: pytest.Parser) -> None:
    """`launch/test.sh --all`."""
    parser.addoption("--all", action="store_true", help="also what is marked full: whole matrices, the long proofs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked full unless `--all` is given; files with slow tests first, so that no worker ends with one."""
    full = [item for item in items if item.get_closest_marker("full") and not config.getoption("--all")]
    if full:
        config.hook.pytest_deselected(items=full)
    kept = [item for item in items if item not in set(full)]
    slow = {item.path for item in kept if item.get_closest_marker("slow")}
    items[:] = sorted(kept, key=lambda item: item.path not in slow)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether proofs run at their full length."""
    return bool(request.config.getoption("--all"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """When a test fails, end what it started: a run that goes on would starve the tests that follow."""
    report = yield
    if report.failed:
        end_what_tests_started()
    return report


def end_what_tests_started() -> None:
    """Kill every process that has our mark in its environment, stopped ones and those of other sessions too."""
    me = psutil.Process()
    spared = {me.pid, *(parent.pid for parent in me.parents())}
    for process in psutil.process_iter():
        try:
            if process.pid not in spared and process.environ().get(MARK) == str(me.pid):
                process.kill()
        except psutil.Error:
            continue  # it has ended, or is not ours to look at
