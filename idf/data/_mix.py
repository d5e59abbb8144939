"""Shares of a dataset: names and weights."""

from __future__ import annotations

from hashlib import blake2b
from math import isfinite

from idf.errors import UserError
from idf.worlds import Rng


def check_mix(name: str, weights: dict[str, float], known: tuple[str, ...]) -> None:
    """Raise a UserError unless weights are of known names, not negative, and not all zero."""
    for key, weight in weights.items():
        if key not in known:
            raise UserError(f"{name}: unknown name {key!r}, use some of {', '.join(known)}")
        if weight < 0:
            raise UserError(f"{name}.{key} must not be negative, but is {weight}")
        if not isfinite(weight):
            raise UserError(f"{name}.{key} must be finite, but is {weight}")
    if not any(weights.values()):
        raise UserError(f"{name}: at least one weight must be above zero")


def pick(rng: Rng, weights: dict[str, float]) -> str:
    """A name with a probability in proportion to its weight."""
    names = sorted(name for name, weight in weights.items() if weight > 0)
    rest = rng.bits() / 2.0**64 * sum(weights[name] for name in names)
    for name in names:
        rest -= weights[name]
        if rest < 0:
            return name
    return names[-1]


def content_key(*parts: str) -> str:
    """A short hash of what makes a sample the same sample again."""
    return blake2b("|".join(parts).encode(), digest_size=16).hexdigest()
