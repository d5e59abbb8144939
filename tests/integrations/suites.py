"""One small suite for the tests of all adapters, and which harnesses are installed."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

from idf.suites import SuiteRecipe, generate_suite


@cache
def small_suite() -> Path:
    """Four items of each world, easy and medium, with small pictures."""
    folder = Path(mkdtemp(prefix="idf-suite-")) / "suite"
    generate_suite(SuiteRecipe(items=2, seed=6, difficulties=["easy", "medium"], max_pixels=50_176), folder)
    return folder


def needs(package: str) -> pytest.MarkDecorator:
    """A test that runs another program for real, where that is installed."""
    return pytest.mark.skipif(
        find_spec(package) is None, reason=f"{package} is not installed: pip install 'idf[harnesses]'"
    )
