"""One measurement in a process of its own: `python bench/gpu/measure.py KIND SPEC RESULT`; run.py calls it.

KIND is a file beside this one with `measure(spec, report)`; SPEC is JSON. RESULT holds whatever was reported by the time
the process ends.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    kind, spec, path = sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3])
    told: dict[str, Any] = {}

    def report(figures: dict[str, Any]) -> None:
        """Add figures to the result."""
        told.update(figures)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(told))
        os.replace(part, path)

    status = 1
    try:
        from machine import machine

        report({"machine": machine()})
        import_module(kind).measure(spec, report)
        status = 0
    except SystemExit as ending:
        report({"error": str(ending)[:500]})
    except BaseException as error:
        traceback.print_exc()
        lines = str(error).strip().splitlines()
        report({"error": f"{type(error).__name__}: {lines[0] if lines else ''}"[:500]})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # DeepSpeed and loader workers may keep a process from ending


if __name__ == "__main__":
    main()
