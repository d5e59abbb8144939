"""The verdicts on all case tables, as they were when the version of the scoring rules was last raised.

`python -m tests.scoring.rules_record` records new cases, and all verdicts anew once the version is raised.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from idf.scoring import score
from idf.scoring.rules_version import RULES_VERSION
from tests.scoring.test_cases import ALL

PATH = Path(__file__).with_name("rules_record.json")


class Record(NamedTuple):
    """A version of the rules, and what they say of each case: a hash of problem and response -> the verdict as text."""

    version: int
    verdicts: dict[str, str]


def recorded() -> Record:
    """What is committed."""
    told = json.loads(PATH.read_text(encoding="utf-8"))
    return Record(told["version"], told["verdicts"])


def today() -> Record:
    """What the rules say now."""
    verdicts = {}
    for _, of, case in ALL:
        response, _, finish_reason = (*case, "stop")[:3]
        verdict = score(of, response, finish_reason)
        key = hashlib.sha256(json.dumps([of.world, response, finish_reason]).encode()).hexdigest()[:16]
        verdicts[key] = f"{verdict.error or 'correct'} {json.dumps(verdict.parsed)}"
    return Record(RULES_VERSION, verdicts)


def fault(old: Record, new: Record) -> str | None:
    """Why the record does not stand; None if it does. Cases that are no longer in a table do not count."""
    again = "run python -m tests.scoring.rules_record"
    if old.version != new.version:
        return f"the rules are of version {new.version}, the record of {old.version}: {again}"
    if changed := changes(old.verdicts, new.verdicts):
        return (
            f"{len(changed)} verdicts changed and RULES_VERSION is still {new.version}: add 1 to it "
            f"(idf/scoring/rules_version.py), then {again}. {changed[0]}"
        )
    if missing := len(new.verdicts.keys() - old.verdicts.keys()):
        return f"{missing} cases are new: {again}"
    return None


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """A line for each case whose verdict is another."""
    return [f"{key}: {old[key]} became {new[key]}" for key in new if key in old and old[key] != new[key]]


def main() -> int:
    """Write the record, unless verdicts changed within a version."""
    new = today()
    if PATH.exists() and (old := recorded()).version == new.version and changes(old.verdicts, new.verdicts):
        print(fault(old, new), file=sys.stderr)
        return 1
    told = {"version": new.version, "verdicts": dict(sorted(new.verdicts.items()))}
    PATH.write_text(json.dumps(told, indent=0) + "\n", encoding="utf-8")
    print(f"{len(new.verdicts)} verdicts of version {new.version} in {PATH.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
