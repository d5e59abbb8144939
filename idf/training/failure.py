"""The last words of a rank: on its own stderr, and in the summary that torchrun prints at its end."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress


def tell_failure(sentence: str, *, shown: bool = True) -> None:
    """Say why this process ends.

    torchrun shows what its ranks leave in the file that TORCHELASTIC_ERROR_FILE names, in the form of
    `torch.distributed.elastic.multiprocessing.errors.ErrorHandler`.

    Args:
        sentence: Without the word "error".
        shown: Whether to print it here; another rank of the node may have done so.
    """
    line = f"error: {sentence}"
    if shown:
        print(line, file=sys.stderr, flush=True)
    if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        facts = {"py_callstack": line, "timestamp": str(int(time.time()))}  # torchrun prints the first as "traceback"
        with suppress(OSError), open(path, "w", encoding="utf-8") as file:  # a full disk: it is printed above
            json.dump({"message": {"message": line, "extraInfo": facts}}, file)
