"""What became of every trace: kept, spare, or lost under exactly one rule."""

from __future__ import annotations

from dataclasses import dataclass, field

from idf.worlds import DIFFICULTIES, LENGTHS

RULES = {
    "failed": "the teacher gave no response (finish_reason error or content_filter)",
    "empty": "nothing but blanks",
    "truncated": "cut off (finish_reason length)",
    "unparsed": "no readable answer line",
    "refused": "the teacher declines to answer",
    "wrong": "the answer is not the truth",
    "illegal": "the plan breaks a rule of the world",
    "incomplete": "the plan does not end at the goal",
    "long": "more words than most_words",
    "padding": "text after the answer line, filler, blank stretches",
    "loop": "the plan visits a state twice, or the text repeats itself",
    "detour": "the plan is longer than most_over_optimal times a shortest one",
    "lucky": "a right answer, a wrong step on the way",
    "unproven": "a right answer, not every state on the way is claimed",
    "corrected": "more claimed steps are taken back than most_corrections",
    "longer": "another success for the same problem is shorter",
    "duplicate": "nearly the same problem and text as another success of this world",
}
"""The rules, in the order in which they apply: a trace is lost under the first one that it breaks."""


@dataclass
class Funnel:
    """How many traces came in, were lost to each rule, were kept; per world.

    Attributes:
        counts: World -> {"in", each rule of RULES that a trace was lost under, "spare" (good, but more than were asked
            for), "kept"}; "in" is the sum of the others.
        kept_by_difficulty: World -> difficulty -> kept.
        kept_by_length: World -> length of the oracle's traces -> kept; empty if no trace states a length.
        proofs: What the kept traces prove -> how many do.
        examples: Rule -> {"id", "detail"} of one trace that was lost under it: the first by id.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    kept_by_difficulty: dict[str, dict[str, int]] = field(default_factory=dict)
    kept_by_length: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: dict[str, dict[str, str]] = field(default_factory=dict)
    proofs: dict[str, int] = field(default_factory=dict)

    def add(self, world: str, what: str) -> None:
        """Count one trace as come "in", "spare" or "kept"."""
        counts = self.counts.setdefault(world, {})
        counts[what] = counts.get(what, 0) + 1

    def lose(self, world: str, rule: str, id: str, detail: str) -> None:
        """Count one trace as lost under a rule."""
        if rule not in RULES:
            raise ValueError(f"unknown rule {rule!r}: use one of {', '.join(RULES)}")
        self.add(world, rule)
        example = self.examples.get(rule)
        if example is None or id < example["id"]:
            self.examples[rule] = {"id": id, "detail": detail}

    def keep(self, world: str, difficulty: str, length: str | None = None) -> None:
        """Count one trace as kept; its length is that of `idf.worlds.LENGTHS`, if it states one."""
        self.add(world, "kept")
        kept = self.kept_by_difficulty.setdefault(world, {})
        kept[difficulty] = kept.get(difficulty, 0) + 1
        if length is not None:
            told = self.kept_by_length.setdefault(world, dict.fromkeys(LENGTHS, 0))
            told[length] = told.get(length, 0) + 1

    @property
    def kept(self) -> int:
        """Kept traces of all worlds."""
        return sum(count.get("kept", 0) for count in self.counts.values())

    def facts(self) -> dict[str, object]:
        """The funnel as plain JSON values, the rules in their order."""
        return {
            "rules": list(RULES),
            "counts": {
                world: {what: counts[what] for what in ("in", *RULES, "spare", "kept") if what in counts}
                for world, counts in sorted(self.counts.items())
            },
            "proofs": dict(self.proofs),
            "kept_by_difficulty": dict(sorted(self.kept_by_difficulty.items())),
            **({"kept_by_length": dict(sorted(self.kept_by_length.items()))} if self.kept_by_length else {}),
            "examples": {rule: self.examples[rule] for rule in RULES if rule in self.examples},
        }

    def table(self) -> str:
        """The funnel as text: a world a line, then all; a column for each rule that lost a trace, kept by difficulty, length."""
        occurring = [rule for rule in RULES if any(rule in counts for counts in self.counts.values())]
        columns = ["in", *occurring, "spare", "kept", *DIFFICULTIES, *(LENGTHS if self.kept_by_length else ())]
        rows = {
            world: counts | self.kept_by_difficulty.get(world, {}) | self.kept_by_length.get(world, {})
            for world, counts in sorted(self.counts.items())
        }
        rows["all"] = {column: sum(row.get(column, 0) for row in rows.values()) for column in columns}
        width = max(map(len, ["world", *rows]))
        lines = [f"{'world':<{width}}" + "".join(f"{column:>12}" for column in columns)]
        for world, row in rows.items():
            lines.append(f"{world:<{width}}" + "".join(f"{row.get(column, 0):>12,}" for column in columns))
        return "\n".join(lines)

    def why(self) -> str:
        """One lost trace for each rule that lost any, a line each."""
        return "\n".join(
            f"{rule}: {RULES[rule]}; for example {self.examples[rule]['id']}: {self.examples[rule]['detail']}"
            for rule in RULES
            if rule in self.examples
        )
