from __future__ import annotations

import math
import os
import signal

import pytest

from idf.errors import UserError
from idf.training.loss_guard import LEAST, LossGuard, StopSignal
from tests.sentences import refused


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_refused_and_its_step_is_named(loss):
    with refused("loss is", "step 7", "lower learning_rate"):
        LossGuard(None).check(loss, 1.0, 7)


def test_a_gradient_that_is_no_number_is_refused():
    with refused("gradient's norm", "nan", "step 7", "lower learning_rate"):
        LossGuard(None).check(1.0, math.nan, 7)


def test_a_jump_above_the_median_of_the_last_losses_is_refused():
    guard = LossGuard(2.0, [1.0] * LEAST)
    guard.check(2.9, 1.0, 9)
    with refused("loss", "jumped", "3.100", "step 10", "loss_spike (2)"):
        guard.check(3.1, 1.0, 10)


def test_one_high_loss_among_many_does_not_move_the_limit():
    guard = LossGuard(2.0, [1.0] * 20)
    guard.check(2.9, 1.0, 21)
    with pytest.raises(UserError):
        guard.check(4.5, 1.0, 22)


def test_the_first_steps_are_not_judged_and_null_judges_none():
    LossGuard(0.1, [1.0] * (LEAST - 1)).check(50.0, 1.0, LEAST)
    LossGuard(None, [1.0] * 32).check(50.0, 1.0, 33)


def test_falling_losses_are_no_jump():
    guard = LossGuard(0.01)
    for step in range(100):
        guard.check(10.0 - step / 10, 1.0, step)


@pytest.fixture
def stop():
    before = {each: signal.getsignal(each) for each in StopSignal.SIGNALS}
    yield StopSignal()
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", StopSignal.SIGNALS)
def test_a_signal_is_remembered_not_obeyed_at_once(stop, number):
    stop.training = True
    assert not stop()
    os.kill(os.getpid(), number)
    assert stop()
    assert stop.number == number


def test_ctrl_c_ends_at_once_what_has_nothing_to_save(stop):
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert not stop()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.number == signal.SIGTERM, "SLURM's signal is remembered from the first moment on"
