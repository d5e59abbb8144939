"""What a run needs around it: the hub or its cache, and a name by which the machine reaches itself."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import httpx

PATIENCE_SECONDS = 10.0


def offline() -> bool:
    """Whether huggingface_hub was told not to ask."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")


def cached(model: str) -> Path | None:
    """The folder in the cache of huggingface_hub that holds a whole model; None if there is none.

    The layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache. The package may be missing here.

    Args:
        model: Its name on the hub.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    home = Path(os.environ.get("HF_HOME", home))
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub")).expanduser()
    for snapshot in sorted((cache / f"models--{model.replace('/', '--')}" / "snapshots").glob("*")):
        index = snapshot / "model.safetensors.index.json"
        weights = ["model.safetensors"]
        try:
            if index.exists():
                weights = list(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError):
            continue  # it was cut off: huggingface_hub would fetch it again
        if all((snapshot / name).exists() for name in ("config.json", *weights)):
            return snapshot
    return None


def hub_problem(model: str) -> str | None:
    """Why a model cannot be fetched from the hub; None if it can.

    Args:
        model: Its name there.
    """
    if offline():
        return "HF_HUB_OFFLINE says not to ask the hub"
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    try:
        answer = httpx.head(f"{endpoint}/{model}/resolve/main/config.json", timeout=PATIENCE_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return f"{endpoint} does not answer ({' '.join(str(error).split()) or type(error).__name__})"
    if answer.status_code in (401, 403):
        return f"{endpoint} wants to know who you are ({answer.status_code}; also for a name that it does not have)"
    if answer.status_code == 404:
        return f"{endpoint} has no {model}"
    return None if answer.status_code < 400 else f"{endpoint} answers with status {answer.status_code}"


def reaches_itself() -> str | None:
    """Why ranks on this machine could not meet; None if they could. torchrun and gloo look the machine's own name up."""
    name = socket.gethostname()
    try:
        with socket.create_server(("", 0)) as listener:
            socket.create_connection((name, listener.getsockname()[1]), timeout=PATIENCE_SECONDS).close()
    except OSError as error:
        return (
            f"this machine does not reach itself as {name} ({error.strerror or error}), and ranks meet there: give the name in "
            "/etc/hosts an address of this machine"
        )
    return None


def free_port_29500() -> bool:
    """Whether torchrun's own port is free."""
    try:
        socket.create_server(("", 29500)).close()
    except OSError:
        return False
    return True
