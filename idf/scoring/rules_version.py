"""The version of the rules by which responses are read and judged."""

RULES_VERSION = 4
"""Stands in every result (`run` -> `scoring_rules`); results of two versions are not compared.

Add 1 whenever some response would get another verdict than before: another answer read, or another class of error. A test
holds the verdicts on all case tables against those that were recorded for this version (tests/scoring/test_rules_version.py),
and says what to do. What was written before there was a version has none.
"""
