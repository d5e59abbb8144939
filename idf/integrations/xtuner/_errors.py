"""UserErrors as one sentence, inside of a program that is not ours."""

from __future__ import annotations

import os
import sys
from types import TracebackType

from idf.errors import RankError, UserError


def speak_in_sentences() -> None:
    """From now on a UserError that ends this process prints one sentence, as it does in our own commands."""
    sys.excepthook = _print


def _print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, UserError):
        sys.__excepthook__(kind, error, trace)
    elif isinstance(error, RankError) or os.environ.get("LOCAL_RANK", "0") == "0":  # once on every node
        print(f"error: {error}", file=sys.stderr, flush=True)
