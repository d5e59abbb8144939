"""What transformers 4.57 does differently from 5: the one place that asks for the version.

The main environment has transformers 5. XTuner's has 4.57, the last one that XTuner 0.2.0 can be imported with. Encoding,
collating, model and loss are the same code under both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor


@cache
def major() -> int:
    """The first number of the installed transformers' version."""
    import transformers

    return int(transformers.__version__.split(".")[0])


@contextmanager
def readable(name: str) -> Iterator[str]:
    """A model that the installed transformers reads as it was meant.

    Transformers 4 would fail on a tokenizer's settings that 5 wrote, and would silently take its own defaults for the rotary
    embedding. So it gets a folder of links to the same files, in which those two settings stand in the older form.

    Args:
        name: A local folder or a hub name.

    Yields:
        The same name, or the folder of links; it is gone afterwards.
    """
    folder = Path(name)
    changed = {} if major() >= 5 or not folder.is_dir() else _in_older_form(folder)
    if not changed:
        yield name
        return
    with TemporaryDirectory(prefix="idf-model-") as links:
        for path in folder.iterdir():
            if path.name not in changed:
                os.symlink(path.resolve(), Path(links) / path.name)
        for file, settings in changed.items():
            (Path(links) / file).write_text(json.dumps(settings))
        yield links


def _in_older_form(folder: Path) -> dict[str, Any]:
    """The JSON files of a folder that have to be told otherwise, by name."""
    forms: dict[str, Callable[[dict[str, Any]], bool]] = {
        "config.json": _older_config,
        "tokenizer_config.json": _older_tokenizer,
    }
    changed = {}
    for file, to_older in forms.items():
        if (folder / file).exists():
            settings = json.loads((folder / file).read_text())
            if to_older(settings):
                changed[file] = settings
    return changed


def _older_config(config: dict[str, Any]) -> bool:
    """`rope_parameters` of 5 -> `rope_theta` and `rope_scaling` of 4, in place; whether there was anything to do."""
    text = config.get("text_config", config)
    rope = text.pop("rope_parameters", None)
    if rope is None:
        return False
    text["rope_theta"] = rope.pop("rope_theta")
    text["rope_scaling"] = rope
    return True


def _older_tokenizer(settings: dict[str, Any]) -> bool:
    """A list of `extra_special_tokens` of 5 -> `additional_special_tokens` of 4, in place; whether there was one."""
    extra = settings.get("extra_special_tokens")
    if not isinstance(extra, list):
        return False
    settings["additional_special_tokens"] = settings.pop("extra_special_tokens")
    return True


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
