"""What stops a run in good order: a signal, a loss that is no number, a loss that jumps."""

from __future__ import annotations

import math
import signal
from collections import deque
from collections.abc import Iterable
from functools import cache
from statistics import median
from types import FrameType

from idf.errors import UserError

WINDOW = 32
"""A loss is compared with the median of so many before it."""
LEAST = 8
"""With fewer losses than this behind it, a run is not judged."""


class StopSignal:
    """Remembers that the process was asked to stop: SLURM sends SIGTERM before its time limit, Ctrl-C sends SIGINT.

    There is one for a process (`stop_signal`), made before anything slow, so that no signal is lost.

    Attributes:
        number: The signal's number once one came, else 0.
        training: Whether there is something to save. Before that Ctrl-C ends the process at once.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

    def __init__(self) -> None:
        self.number = 0
        self.training = False
        for number in self.SIGNALS:
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and not self.training:
            raise KeyboardInterrupt
        self.number = number

    def __call__(self) -> bool:
        """Whether a signal came."""
        return self.number != 0


@cache
def stop_signal() -> StopSignal:
    """This process's own."""
    return StopSignal()


class LossGuard:
    """Refuses a loss that is no number, and one that jumps.

    Args:
        spike: The most nats by which a loss may exceed the median of the last 32; None for any.
        losses: The last losses of a run that is resumed.
    """

    def __init__(self, spike: float | None, losses: Iterable[float] = ()) -> None:
        self.spike = spike
        self.losses: deque[float] = deque(losses, maxlen=WINDOW)

    def check(self, loss: float, grad_norm: float, step: int) -> None:
        """Take the loss of a step.

        Raises:
            UserError: The run should not go on.
        """
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient's norm is {grad_norm}"
            raise UserError(f"{what} at step {step}: lower learning_rate, or look at the data of this step")
        if self.spike is not None and len(self.losses) >= LEAST and loss > median(self.losses) + self.spike:
            raise UserError(
                f"the loss jumped to {loss:.3f} at step {step}, more than loss_spike ({self.spike:g}) above the median of "
                f"the last {len(self.losses)} steps ({median(self.losses):.3f}): lower learning_rate, or raise loss_spike"
            )
        self.losses.append(loss)
