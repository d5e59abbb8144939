"""What the installed lmms-eval has, read from its task files: nothing of it is imported."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from .._paths import adapter_path

_NAMED = re.compile(r"^(?:task|group|tag)\s*:\s*[\"']?([\w.+-]+)[\"']?\s*$", re.MULTILINE)
_LOCAL = {"json", "csv", "parquet", "text", "arrow", "imagefolder"}
"""What datasets calls files of one's own: then the task names no dataset of the hub."""


class _Loader(yaml.SafeLoader):
    """YAML whose tag !function names code: only its text is kept."""


_Loader.add_constructor("!function", lambda loader, node: str(node.value))


class LmmsTasks:
    """The tasks of the installed lmms-eval, and idf's own.

    Args:
        folders: Where task files are; those of lmms-eval and of idf by default.
    """

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self.folders = [_lmms_folder(), adapter_path("lmms-eval")] if folders is None else list(folders)

    @cached_property
    def files(self) -> dict[str, Path]:
        """Task or group -> the file that describes it."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            for path in sorted(folder.rglob("*.yaml")):
                for name in _NAMED.findall(path.read_text(encoding="utf-8")):
                    found.setdefault(name, path)
        return found

    def config(self, name: str) -> dict[str, Any]:
        """What the file of a task says, with what it includes."""
        return _read(self.files[name])

    def metrics(self, name: str) -> list[str]:
        """The metrics of a task, or of the first task of a group."""
        return [one["metric"] for one in self._leaf(name).get("metric_list", [])]

    def dataset(self, name: str) -> str | None:
        """The dataset of the hub that a task, or the first task of a group, loads; None if it loads files of its own."""
        path = self._leaf(name).get("dataset_path")
        return None if path is None or path in _LOCAL else str(path)

    def _leaf(self, name: str) -> dict[str, Any]:
        config = self.config(name)
        while isinstance(config.get("task"), list) and "dataset_path" not in config:
            config = self.config(_name(config["task"][0]))
        return config


def _name(entry: str | Mapping[str, Any]) -> str:
    return entry if isinstance(entry, str) else str(entry["task"])


def _read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    included: dict[str, Any] = {}
    names = told.pop("include", [])
    for name in [names] if isinstance(names, str) else names:
        included |= _read(path.parent / name)
    return included | told


def lmms_version() -> str:
    """The version of the installed lmms-eval."""
    return version("lmms_eval")


def _lmms_folder() -> Path:
    spec = find_spec("lmms_eval")
    assert spec is not None, "idf.extras.require has looked"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "tasks"


def hub_reached() -> bool:
    """Whether the hub answers; never asked if HF_HUB_OFFLINE is set."""
    import httpx
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or os.environ.get("HF_DATASETS_OFFLINE") in ("1", "true", "True"):
        return False
    try:
        httpx.head(constants.ENDPOINT, timeout=10.0)
    except httpx.HTTPError:
        return False
    return True


def on_this_machine(kind: str, name: str) -> bool:
    """Whether the hub's cache has a repository.

    Args:
        kind: "datasets" or "models".
        name: OWNER/NAME.
    """
    from huggingface_hub import constants

    return (Path(constants.HF_HUB_CACHE) / f"{kind}--{name.replace('/', '--')}").is_dir()
