"""The name of a request in a batch: item, mode and sample in the characters that every service takes."""

from __future__ import annotations

import re

from idf.suites import MODES

LONGEST = 64
"""Characters of a `custom_id`. OpenAI's documentation names no limit; Anthropic's and Zhipu's services refuse more."""

_OTHER = re.compile(rb"[^A-Ya-z0-9_]")
_ESCAPED = re.compile(rb"-|Z[0-9A-F]{2}")


def plain_name(id: str) -> str:
    """An item's id in letters, digits, "_" and "-" alone, from which `id_of` makes the id again.

    A colon becomes "-", each other byte that is not allowed becomes "Z" and its two hexadecimal digits.
    """
    raw = id.encode("utf-8", "surrogatepass")
    return _OTHER.sub(lambda found: b"-" if found[0] == b":" else b"Z%02X" % found[0][0], raw).decode()


def id_of(name: str) -> str:
    """The id that `plain_name` made a name of.

    Raises:
        ValueError: It made no such name.
    """
    raw = _ESCAPED.sub(lambda found: b":" if found[0] == b"-" else bytes.fromhex(found[0][1:].decode()), name.encode())
    id = raw.decode("utf-8", "surrogatepass")
    if plain_name(id) != name:
        raise ValueError(f"no name of an item: {name!r}")
    return id


def custom_id(id: str, mode: str, sample: int) -> str:
    """The name of a request, for example "vtqa-0-cube_rolling-easy-17".

    Raises:
        ValueError: The id is too long for it.
    """
    name = f"{mode}-{sample}-{plain_name(id)}"
    if len(name) > LONGEST:
        raise ValueError(f"{name} has {len(name)} characters, and a custom_id at most {LONGEST}")
    return name


def asked_by(name: object) -> tuple[str, str, int]:
    """Item id, mode and number of the sample of a request.

    Raises:
        ValueError: `custom_id` makes no such name.
    """
    said = f"custom_id {name!r} is none that idf prompts writes, such as vtqa-0-cube_rolling-easy-17"
    try:
        mode, sample, plain = str(name).split("-", 2)
        found = id_of(plain), mode, int(sample)
        again = custom_id(*found)
    except ValueError:
        raise ValueError(said) from None
    if mode not in MODES or again != name:
        raise ValueError(said)
    return found
