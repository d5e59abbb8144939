"""Measurements one after another inside a budget of minutes; each in a process of its own, each written down as it ends.

Nothing here needs more than Python itself: it must write down, too, that a package is missing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

MARGIN = 10.0
"""Seconds at the end of the budget in which nothing is measured: files are written and processes end."""


@dataclass(frozen=True)
class Measurement:
    """One process that measures.

    Attributes:
        name: Its name in the results.
        call: The command; the path of a JSON file is added, into which it writes its figures, as often as it has more of them.
        needs: It is not begun with fewer seconds left.
        limit: It is ended after so many seconds.
        unfit: Why it cannot run on this machine; None if it can.
        always: Whether it is run again where an earlier call has run it already: it prepares the machine.
    """

    name: str
    call: Sequence[str]
    needs: float
    limit: float
    unfit: str | None = None
    always: bool = False


class Results:
    """`results.json` in a folder; whole at any moment.

    Args:
        folder: The folder; made if it is not there.
        facts: What is said of all measurements together.
        earlier: The `results.json` of an earlier call, to go on from; None to go on from the folder's own, if it has one.
    """

    def __init__(self, folder: Path, facts: dict[str, Any], earlier: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "results.json"
        source = earlier or (self.path if self.path.exists() else None)
        self.data: dict[str, Any] = facts | {"measurements": {}}
        if source is not None:
            before = json.loads(source.read_text())
            for key in facts:
                if before.get(key) != facts[key]:
                    raise SystemExit(
                        f"{source} has {key} {before.get(key)!r}, and here it is {facts[key]!r}: name another --out"
                    )
            self.data = before

    @property
    def measured(self) -> dict[str, dict[str, Any]]:
        """Name -> what came of it."""
        found: dict[str, dict[str, Any]] = self.data["measurements"]
        return found

    def done(self, name: str) -> bool:
        """Whether a measurement has all its figures."""
        return bool(self.measured.get(name, {}).get("status") == "done")

    def record(self, name: str, outcome: dict[str, Any]) -> None:
        """Write down a measurement. What a later call could not begin does not take the place of figures."""
        if outcome["status"] == "no time left" and "figures" in self.measured.get(name, {}):
            return
        self.measured[name] = outcome
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.data, indent=2) + "\n")
        os.replace(part, self.path)


def run_all(
    measurements: Sequence[Measurement], results: Results, deadline: float, scratch: Path, log: TextIO, command: str
) -> dict[str, str]:
    """Run what is not done yet, in order.

    Args:
        measurements: The measurements, the most valuable first.
        results: Where each is written.
        deadline: End of the budget, as `time.monotonic` counts.
        scratch: A folder for files of no further use.
        log: Receives all that the processes print.
        command: How a measurement is run again; its name comes after it.

    Returns:
        Name -> status of all of them: "done", "failed", "timed out", "no time left", "left out".
    """
    for measurement in measurements:
        name = measurement.name
        if results.done(name) and not measurement.always:
            print(f"{name}: done by an earlier call", flush=True)
            continue
        left = deadline - time.monotonic() - MARGIN
        if measurement.unfit is not None:
            outcome: dict[str, Any] = {"status": "left out", "reason": measurement.unfit}
        elif left < measurement.needs:
            outcome = {
                "status": "no time left",
                "reason": f"it needs {measurement.needs:g} s, {max(left, 0):.0f} s are left",
            }
        else:
            print(f"{name}: begun, {left:.0f} s left", flush=True)
            outcome = _run(measurement, min(measurement.limit, left), scratch / f"{name}.json", log)
            outcome["command"] = f"{command} {name}"
        results.record(name, outcome)
        print(f"{name}: {outcome['status']}. {outcome.get('reason', '')}", flush=True)
    return {m.name: results.measured[m.name]["status"] for m in measurements}


def _run(measurement: Measurement, limit: float, written: Path, log: TextIO) -> dict[str, Any]:
    """Run a process to its end or its limit; what it had written by then is kept."""
    call = [*measurement.call, str(written)]
    log.write(f"\n===== {measurement.name}\n")
    log.flush()
    begun = time.monotonic()
    # A session of its own: at the limit its children are ended with it, torchrun's ranks among them.
    process = subprocess.Popen(call, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    reason = None
    try:
        status = "done" if process.wait(limit) == 0 else "failed"
    except subprocess.TimeoutExpired:
        status, reason = "timed out", f"ended after {limit:.0f} s"
    finally:
        _end(process)
    outcome: dict[str, Any] = {"status": status}
    told: dict[str, Any] = json.loads(written.read_text()) if written.exists() else {}
    error = told.pop("error", None)
    if status == "failed":
        reason = error or _exit(process.returncode)
    if reason is not None:
        outcome["reason"] = reason
    outcome["seconds"] = round(time.monotonic() - begun, 1)
    machine = told.pop("machine", None)
    return outcome | ({"machine": machine} if machine else {}) | ({"figures": told} if told else {})


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it began."""
    with suppress(ProcessLookupError):  # it ended by itself, and left nothing behind
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _exit(code: int) -> str:
    """What an exit status says of a process that said nothing itself."""
    if code < 0:
        return f"ended by {signal.Signals(-code).name}: see log.txt"
    return f"exit status {code}: see log.txt"
