"""What transformers 4.57 does differently from 5: the one place that asks for the version.

The main environment has transformers 5. XTuner's has 4.57, the last one that XTuner 0.2.0 can be imported with. Encoding,
collating, model and loss are the same code under both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from .both_forms import missing_forms


@cache
def major() -> int:
    """The first number of the installed transformers' version."""
    import transformers

    return int(transformers.__version__.split(".")[0])


@contextmanager
def readable(name: str) -> Iterator[str]:
    """A model that the installed transformers reads as it was meant.

    What transformers 5 alone has written, 4 would fail on, or silently take its own defaults for. So it gets a folder of links
    to the same files, in which what it would miss stands as well (`both_forms.py`).

    Args:
        name: A local folder or a hub name.

    Yields:
        The same name, or the folder of links; it is gone afterwards.
    """
    folder = Path(name)
    changed = {} if major() >= 5 or not folder.is_dir() else missing_forms(folder)
    if not changed:
        yield name
        return
    with TemporaryDirectory(prefix="idf-model-") as links:
        for path in folder.iterdir():
            if path.name not in changed:
                os.symlink(path.resolve(), Path(links) / path.name)
        for file, text in changed.items():
            (Path(links) / file).write_bytes(text)
        yield links


def tower_output(seen: Any, deepstack: bool) -> tuple[Tensor, list[Tensor]]:
    """The features of pictures, from what a vision tower returned: a named output in 5, a tensor or a pair in 4.

    Args:
        seen: What it returned.
        deepstack: Whether it is Qwen3-VL's, which has features for the first layers as well.

    Returns:
        Merged features, (image tokens, width), and those of DeepStack, of the same shape each.
    """
    if major() >= 5:
        features, deeper = seen.pooler_output, seen.deepstack_features if deepstack else []
    else:
        features, deeper = seen if deepstack else (seen, [])
    return features, list(deeper)
