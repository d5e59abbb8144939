"""How often a person found the reading of responses right: shares, their intervals, and two persons' agreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

from .statistics import wilson


@dataclass(frozen=True)
class Stratum:
    """The rows of a run that were read, or those that were not, and what was found of the ones drawn from them.

    Attributes:
        size: How many rows of this kind the run has.
        right, wrong: How many of the drawn ones were read (or left unread) rightly and wrongly.
        unsure: How many a person could not say it of.
        unmarked: How many bear no mark.
    """

    size: int
    right: int = 0
    wrong: int = 0
    unsure: int = 0
    unmarked: int = 0

    @property
    def judged(self) -> int:
        """How many are known to be right or wrong."""
        return self.right + self.wrong

    @property
    def drawn(self) -> int:
        """How many a person was shown."""
        return self.judged + self.unsure + self.unmarked


class Share(NamedTuple):
    """A share with its 95 % interval."""

    share: float
    low: float
    high: float

    @property
    def rest(self) -> Share:
        """The share of the others."""
        return Share(1 - self.share, 1 - self.high, 1 - self.low)


def right_share(stratum: Stratum) -> Share | None:
    """The share of a stratum that is right, with Wilson's interval; None if no row of it was judged.

    No finite population correction is taken, so that the interval is too wide rather than too narrow where most rows were
    drawn; where every row was judged nothing is estimated, and it is a point.
    """
    if not stratum.judged:
        return None
    share = stratum.right / stratum.judged
    if stratum.judged == stratum.size:
        return Share(share, share, share)
    return Share(share, *wilson(stratum.right, stratum.judged))


def overall_share(strata: Iterable[Stratum]) -> Share | None:
    """The share of a whole run that is right: the mean of its strata's, each weighted by its rows.

    The squares of the weighted distances from share to limit add, on either side: the "method of variance estimates
    recovery" for a weighted sum of independent shares (Zou, Huang & Zhang 2009, Computational Statistics & Data Analysis
    53:1080-1085), from the strata's Wilson intervals. Simulated coverage stands in `docs/audit.md`.

    Args:
        strata: All rows of the run, in parts that were drawn from independently; empty ones are left out.

    Returns:
        None if there is no row, or none of a stratum that has some was judged: then the whole is not known.
    """
    parts = [(stratum.size, right_share(stratum)) for stratum in strata if stratum.size]
    total = sum(size for size, _ in parts)
    share, below, above = 0.0, 0.0, 0.0
    for size, part in parts:
        if part is None:
            return None
        weight = size / total
        share += weight * part.share
        below += (weight * (part.share - part.low)) ** 2
        above += (weight * (part.high - part.share)) ** 2
    return Share(share, max(0.0, share - sqrt(below)), min(1.0, share + sqrt(above))) if parts else None


def bounds(strata: Sequence[Stratum]) -> tuple[float, float] | None:
    """The overall share if all rows that a person could not say were wrong, and if all were right; None as `overall_share`."""
    ends = []
    for right in (False, True):
        decided = [
            Stratum(s.size, s.right + (s.unsure if right else 0), s.wrong + (0 if right else s.unsure)) for s in strata
        ]
        if (whole := overall_share(decided)) is None:
            return None
        ends.append(whole.share)
    return ends[0], ends[1]


class Kappa(NamedTuple):
    """How far two persons agree on the rows that both marked; `kappa` is None where chance alone would agree always."""

    rows: int
    same: int
    kappa: float | None


def cohen_kappa(pairs: Sequence[tuple[Any, Any]]) -> Kappa | None:
    """Cohen's kappa (Cohen 1960): the agreement of two persons beyond that of chance, by each one's frequencies of marks.

    Args:
        pairs: The two marks of every row that both marked, "cannot say" among them.

    Returns:
        None without rows.
    """
    n = len(pairs)
    if not n:
        return None
    same = sum(first == second for first, second in pairs)
    one, two = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    chance = sum(one[mark] * two[mark] for mark in one) / (n * n)
    return Kappa(n, same, None if chance == 1 else (same / n - chance) / (1 - chance))
