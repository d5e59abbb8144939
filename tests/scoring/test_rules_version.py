"""The version of the scoring rules is raised when a verdict changes."""

from __future__ import annotations

from tests.scoring.rules_record import Record, fault, recorded, today
from tests.sentences import says


def test_no_verdict_on_the_case_tables_changed_since_the_version_was_raised():
    assert fault(recorded(), today()) is None


def test_a_verdict_that_changes_without_a_new_version_is_told():
    old = recorded()
    key = next(iter(old.verdicts))
    says(fault(old, Record(old.version, old.verdicts | {key: "wrong 7"})), "1 verdict", "RULES_VERSION", "add 1", key)
    says(
        fault(old, Record(old.version + 1, old.verdicts | {key: "wrong 7"})),
        f"version {old.version + 1}",
        "rules_record",
    )
    says(fault(old, Record(old.version, old.verdicts | {"new": "wrong 7"})), "1 case", "new", "rules_record")
    assert fault(old, Record(old.version, {key: old.verdicts[key]})) is None, "a case that is gone"
