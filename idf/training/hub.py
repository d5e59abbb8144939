"""A hub model is fetched before training begins: once a node, with a progress bar, while nobody watches for hangs."""

from __future__ import annotations

import os
from pathlib import Path

from idf.backends import is_hub_name
from idf.errors import UserError

BESIDE_WEIGHTS = (".json", ".jinja", ".txt", ".model")
"""Config, tokenizer, processor and chat template of a model folder."""
PATTERNS = [f"*{kind}" for kind in (*BESIDE_WEIGHTS, ".safetensors")]
"""What is fetched of a model: these, and weights as safetensors alone."""


def fetch_model(name: str) -> None:
    """Download what of a hub model is not in the cache; nothing for a local folder.

    Args:
        name: A local folder or a hub name.

    Raises:
        UserError: The hub cannot be reached or does not know the name, or the cache cannot be written.
    """
    if Path(name).is_dir() or not is_hub_name(name):
        return
    from huggingface_hub import constants, snapshot_download

    cache = Path(constants.HF_HUB_CACHE)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(_no_cache(cache, error.strerror or str(error))) from None
    if not os.access(cache, os.W_OK):
        raise UserError(_no_cache(cache, "it is not writable"))
    try:
        snapshot_download(name, allow_patterns=PATTERNS)
    except OSError as error:  # what huggingface_hub raises is of this kind, too: no network, no such model, a full disk
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"cannot fetch the model {name}: {reason}. Fetch it where there is a network (`hf download {name}`), and copy the "
            "folder here: model=FOLDER"
        ) from None


def base_folder(model: str) -> Path:
    """Where the files of a base model lie: its own folder, or the cache of the hub, from which it was loaded."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=PATTERNS, local_files_only=True))


def _no_cache(cache: Path, why: str) -> str:
    return (
        f"the cache of hub models, {cache}, cannot be written ({why}): set HF_HOME to a folder with room for the model"
    )
