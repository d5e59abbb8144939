"""Whether a checkpoint is whole: its files reach the disk before it gets its name, and are looked at before a run resumes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FILES = "files.json"
"""The list in a checkpoint: path -> [bytes, xxh3_128 hash]."""
SMALL = 2**26
"""Up to so many bytes a file's hash is compared before a run resumes; of larger ones the size."""
_CHUNK = 2**18  # stays in the processor's cache between being read and being hashed
_HASHING = 2  # threads of a rank; a thread hashes some GB a second
_WRITER = re.compile(r"(?:zero_pp_rank_|^random-)(\d+)")

Listed = dict[str, list[int | str]]


def seal(folder: Path, rank: int) -> Listed:
    """Flush to the disk what a rank wrote into a checkpoint, and hash it.

    Args:
        folder: The checkpoint, in which every rank has written all of its files.
        rank: This rank. Files with a rank in their name are that rank's, as DeepSpeed and we name them; all others are rank 0's.

    Returns:
        This rank's part of the list.

    Raises:
        OSError: A file cannot be read or flushed.
    """
    mine = [path for path in _files(folder) if _writer(path.name) == rank]
    # What was just written is still in memory: it is hashed while the disk takes it.
    with ThreadPoolExecutor(_HASHING) as pool:
        hashes = pool.map(hash_file, mine)
        for path in mine:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        for parent in {path.parent for path in mine}:
            flush_folder(parent)
        named = zip(mine, hashes, strict=True)
        return {path.relative_to(folder).as_posix(): [path.stat().st_size, digest] for path, digest in named}


def write_list(folder: Path, parts: Iterable[Mapping[str, list[int | str]]]) -> None:
    """Write the list of a checkpoint, whose parts all ranks have made; for rank 0 to do.

    Raises:
        OSError: It cannot be written.
    """
    replace_list(folder, {name: facts for part in parts for name, facts in part.items()})


def replace_list(folder: Path, listed: Mapping[str, list[int | str]]) -> None:
    """Write the list of a folder's files, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    part = folder / f".{FILES}"
    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(dict(sorted(listed.items())), indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, folder / FILES)
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lacks(folder: Path, part: str) -> bool:
    """Whether a folder inside of a checkpoint, which its list names, is not there at all."""
    path = folder / FILES
    return path.exists() and f'"{part}/' in path.read_text(encoding="utf-8") and not (folder / part).exists()


def damage(folder: Path, without: str | None = None) -> str | None:
    """What is wrong with a checkpoint, in a few words; None if it is whole, or is older than the list.

    Sizes are compared, and hashes of files up to SMALL bytes: a list of 120 GB would take minutes to read.

    Args:
        folder: The checkpoint.
        without: A folder inside of it that is not looked at.
    """
    path = folder / FILES
    if not path.exists():
        return None
    try:
        listed: Listed = json.loads(path.read_text(encoding="utf-8"))
        for name, (size, digest) in listed.items():
            if without is not None and name.startswith(f"{without}/"):
                continue
            file = folder / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != size:
                return f"{name} has {file.stat().st_size:,} bytes and not {size:,}"
            if int(size) <= SMALL and hash_file(file) != digest:
                return f"{name} is not what was written"
    except (ValueError, TypeError, AttributeError) as error:
        return f"{FILES} is broken: {' '.join(str(error).split())}"
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILES)


def _writer(name: str) -> int:
    """The rank that wrote a file."""
    found = _WRITER.search(name)
    return int(found[1]) if found else 0


def hash_file(path: Path) -> str:
    """The xxh3_128 hash of a file's bytes, as the list has it."""
    from xxhash import xxh3_128

    state, buffer = xxh3_128(), memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as file:
        while read := file.readinto(buffer):
            state.update(buffer[:read])
    return state.hexdigest()
