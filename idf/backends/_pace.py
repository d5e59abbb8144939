"""How fast and for how much an endpoint is asked: time, turns, and the budget in tokens."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from idf.errors import UserError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class BudgetSpent(UserError):
    """The budget in tokens has no room for the next request."""


class Clock:
    """Time and chance, to be replaced in tests."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        await asyncio.sleep(seconds)

    def chance(self) -> float:
        """A random number from 0 to 1."""
        return random.random()


def pause_s(attempt: int, chance: float) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0): doubling, with half of it left to chance.

    Chance keeps requests that failed together from coming back together.
    """
    # The exponent is bounded: a large one would not fit a float.
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt, 16)) * (0.5 + 0.5 * chance)


class Turns:
    """Spreads requests evenly over time.

    Args:
        per_minute: Most requests a minute; None for no limit.
        clock: The time.
    """

    def __init__(self, per_minute: float | None, clock: Clock) -> None:
        self.gap_s = 60.0 / per_minute if per_minute else 0.0
        self.clock = clock
        self._next = self._closed_until = clock.now()

    def close(self, seconds: float) -> None:
        """Let nobody go for that long from now: the server said so."""
        self._closed_until = max(self._closed_until, self.clock.now() + seconds)

    def wait_s(self) -> float:
        """Seconds to wait before asking for a turn; 0 if turns are given."""
        return max(0.0, self._closed_until - self.clock.now())

    def take(self) -> float:
        """Take the next turn.

        Returns:
            Seconds until it comes.
        """
        now = self.clock.now()
        turn = max(self._next, now)
        self._next = turn + self.gap_s
        return turn - now


@dataclass
class Budget:
    """Tokens that may be used, prompts and completions together.

    A request in flight holds back the most that it may cost, so what is spent never passes the limit unless a prompt
    costs more than it was expected to.

    Attributes:
        limit: Most tokens; None for no limit.
        spent: Tokens used so far.
        held: Tokens held back for requests in flight.
        scale: By how much the server's count of a prompt has passed ours so far, at most; at least 1.
    """

    limit: int | None
    spent: int = 0
    held: int = 0
    scale: float = 1.0

    def hold(self, tokens: int) -> bool:
        """Hold tokens back; False, and nothing is held, if there are not enough."""
        if self.limit is not None and self.spent + self.held + tokens > self.limit:
            return False
        self.held += tokens
        return True

    def settle(self, held: int, used: int) -> None:
        """Give back what was held for a request, and count what it used."""
        self.held -= held
        self.spent += used
