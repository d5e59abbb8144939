"""Which weights answered: a fingerprint that another checkpoint under the same path does not have."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import IO

from idf.errors import UserError

EDGE_BYTES = 2048
"""So many bytes at the beginning and at the end of each tensor are looked at; training changes all of a tensor."""

# Whatever decides over a prompt or a token, besides the weights.
_TEXTS = (
    *("config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json"),
    *("video_preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("vocab.json", "merges.txt", "added_tokens.json", "chat_template.jinja", "chat_template.json"),
    *("model.safetensors.index.json", "adapter_config.json"),
)


def weights_fingerprint(checkpoint: str, *, whole: bool = False) -> str:
    """A hash of a model folder: its configuration, tokenizer, templates and weights.

    Of each tensor the first and last 2048 bytes are read, so that 16 GB take a second; `whole` reads everything.
    A folder of adapters (peft) is told apart by its base as well. A hub name stands for its newest commit, or without a network
    for the one in the local cache.

    Args:
        checkpoint: A folder or a hub name.
        whole: Whether to read all bytes of the weights.

    Returns:
        64 hexadecimal digits; or `hub:<name>@<commit>`.

    Raises:
        UserError: A file cannot be read, the folder holds no weights, or the name is neither folder nor hub name.
    """
    folder = Path(checkpoint)
    if not folder.is_dir():
        return f"hub:{checkpoint}@{_commit(checkpoint)}"
    digest = hashlib.sha256(b"whole" if whole else b"edges")
    for name in _TEXTS:
        if (folder / name).is_file():
            digest.update(name.encode() + hashlib.sha256(_read(folder / name)).digest())
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise UserError(f"{folder} holds no weights (*.safetensors)")
    for path in weights:
        digest.update(path.name.encode() + _tensors(path, whole))
    if (base := adapter_base(folder)) is not None:
        digest.update(weights_fingerprint(base, whole=whole).encode())
    return digest.hexdigest()


def adapter_base(folder: Path) -> str | None:
    """The base model that a folder of adapters names; None for a folder that is no adapter.

    Raises:
        UserError: The adapter's configuration names no base.
    """
    path = folder / "adapter_config.json"
    if not path.exists():
        return None
    try:
        base = json.loads(_read(path))["base_model_name_or_path"]
        if not isinstance(base, str) or not base:
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} names no base model (base_model_name_or_path)") from None
    return base


def _tensors(path: Path, whole: bool) -> bytes:
    """The hash of a safetensors file: its size, its header, and the bytes of its tensors or their edges."""
    try:
        with path.open("rb") as file:
            if whole:
                return _all(file)
            size = path.stat().st_size
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= size:
                raise ValueError
            header = file.read(length)
            digest = hashlib.sha256(str(size).encode() + header)
            spans = [tensor["data_offsets"] for name, tensor in json.loads(header).items() if name != "__metadata__"]
            for begin, end in sorted(spans):
                for at in (begin, max(begin, end - EDGE_BYTES)):
                    file.seek(8 + length + at)
                    digest.update(file.read(min(EDGE_BYTES, end - begin)))
            return digest.digest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is no safetensors file: is it complete?") from None


def _all(file: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.digest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _commit(name: str) -> str:
    """The commit of a hub model that loading it would get, or "unknown" if that cannot be told.

    The cache alone does not know: it may hold a commit that was the newest once, and loading fetches the newest.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(hf_hub_download(name, "config.json")).parent.name  # .../snapshots/<commit>/config.json
    except HFValidationError:
        raise UserError(f"no checkpoint in {name}") from None
    except OSError:  # not there, not allowed, or not reached: loading says which
        return "unknown"
