"""What each extra installs, and the sentence where it is missing: `idf` alone makes data and scores."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from idf.errors import UserError

EXTRAS: dict[str, tuple[str, ...]] = {
    "hf": ("torch", "torchvision", "transformers", "peft"),
    "train": ("torch", "torchvision", "transformers", "peft", "accelerate", "deepspeed", "datasets", "wandb", "xxhash"),
    "rl": ("trl",),
    "ray": ("ray",),
    "vllm": ("vllm",),
    "env": ("gymnasium",),
    "smollm2": ("gguf",),
    "harnesses": ("lmms_eval", "inspect_ai"),
}
"""Extra -> the modules that it brings and idf imports. pyproject.toml names their distributions."""


def require(user: str, extra: str, *modules: str) -> None:
    """Refuse to begin where a module of an extra is missing. Nothing is imported.

    Args:
        user: The command or option that needs it, as the user wrote it.
        extra: The extra to install.
        modules: The modules that are needed; all of the extra's if none is named.

    Raises:
        UserError: One is missing; the sentence names it and the command that installs it.
    """
    missing = [name for name in modules or EXTRAS[extra] if sys.modules.get(name) is None and find_spec(name) is None]
    if missing:
        raise UserError(
            f"{user} needs {' and '.join(missing)}, which the extra {extra} installs: pip install 'idf[{extra}]' (in a clone: "
            f"pip install -e '.[{extra}]')"
        )
