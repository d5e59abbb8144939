"""`idf audit`: rows drawn for a person, the marks taken back, and what the reports then say of the reading."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from idf.evaluation import draw_audit, read_results, read_samples, take_marks, write_markdown, write_results
from idf.evaluation.metrics.audit_draw import READ, UNREAD, key_of, stratum_of
from idf.evaluation.report.audit_lines import audits_of
from idf.scoring.rules_version import RULES_VERSION
from tests.cli.running import evaluate, one_sentence, run
from tests.evaluation.auditing import by_bisection, data_of, evaluated, marked, some
from tests.evaluation.folders import RUN, folder
from tests.evaluation.samples import pictures_in
from tests.scoring.test_kept import CASES, ITEMS, needs_items
from tests.sentences import line_that_says, refused, says

# --- the page ----------------------------------------------------------------------------------------------------


def test_the_page_does_not_depend_on_what_is_true_or_right(tmp_path):
    wrong = some(
        30, 20, detail="the top face is chartreuse", cause_detail="chartreuse", cause="perception", wrong_step=1
    )
    right = [
        replace(
            r, correct=True, error=None, official=1.0, detail="puce", cause=None, cause_detail=None, moves=3, optimal=2
        )
        if r.parsed
        else r
        for r in wrong
    ]
    for name, rows in (("a", wrong), ("b", right)):
        draw_audit(folder(tmp_path / name, rows), tmp_path / f"{name}.html")
    pages = [
        re.sub(r"runs?/\w|" + re.escape(str(tmp_path)) + r"/\w", "RUN", (tmp_path / f"{n}.html").read_text())
        for n in "ab"
    ]
    assert pages[0] == pages[1]
    assert "puce" not in pages[1]


def test_the_page_says_why_it_has_no_questions_and_that_all_were_read(capsys, tmp_path):
    out = folder(tmp_path / "run", some(8, 0))
    assert run("audit", out, "--out", tmp_path / "a.html") == 0
    line_that_says(capsys.readouterr().out, "no questions", "suites/demo", "--suite")
    says((tmp_path / "a.html").read_text(), "every response was read", "No question is shown", "suites/demo")
    with refused("suites/other", "--suite"):
        draw_audit(out, tmp_path / "b.html", suite="suites/other")


# --- a run with its suite ----------------------------------------------------------------------------------------


def test_marks_are_kept_and_the_reports_say_the_agreement_with_its_interval(capsys, small_suite, tmp_path):
    out, page = evaluated(small_suite, tmp_path / "run"), tmp_path / "a.html"
    results, samples = (out / "results.json").read_bytes(), (out / "samples.jsonl").read_bytes()
    pictures = pictures_in(out / "report.html")
    assert run("audit", out, "--out", page, "--rows", 14, "--seed", 3) == 0
    line_that_says(capsys.readouterr().out, "9 of 15", "5 of 5", page)
    marks = marked(page, tmp_path / "m.json", "Ann B.", read=["wrong", "unsure"], unread=["wrong"])
    assert run("audit", out, "--marks", marks) == 0
    said = capsys.readouterr().out
    low, high = by_bisection(1, 8)
    line_that_says(said, "read wrongly", "12.5%", f"{low:.1%} to {high:.1%}", "1 of 8 judged, of 15")
    line_that_says(said, "wrongly unread", "20.0% (known)", "1 of 5 judged, of 5")
    line_that_says(said, "of all responses", f"{0.75 * 7 / 8 + 0.25 * 0.8:.1%}", "13 judged of 20")
    line_that_says(said, "Cannot say", "1", "78.3%", "86.7%")
    kept = out / "audit-Ann-B.json"
    line_that_says(said, kept)
    assert json.loads(kept.read_text()) == json.loads(marks.read_text())
    html, text = (out / "report.html").read_text(), (out / "report.md").read_text()
    for report in (html, text):
        says(
            report,
            "Reading checked by hand on 14 of 20 responses",
            "Ann B.",
            "2026-01-02",
            f"version {RULES_VERSION}",
            "12.5%",
        )
    assert pictures_in(out / "report.html") == pictures > 0
    assert (out / "results.json").read_bytes() == results
    assert (out / "samples.jsonl").read_bytes() == samples


def test_two_persons_have_a_file_each_and_their_agreement_is_told(small_suite, tmp_path):
    out, page = evaluated(small_suite, tmp_path / "run"), tmp_path / "a.html"
    draw_audit(out, page)
    take_marks(out, marked(page, tmp_path / "a.json", read=["wrong", "wrong"]))
    _, said = take_marks(out, marked(page, tmp_path / "b.json", "Bo", read=["wrong"]))
    assert {path.name for path in out.glob("audit*.json")} == {"audit.json", "audit-Bo.json"}
    line_that_says(said, "Bo", "20 readings in common", "agree on 19", "kappa 0.64")
    says((out / "report.html").read_text(), "kappa 0.64")


def test_marks_can_be_added_and_none_is_lost(small_suite, tmp_path):
    out, page = evaluated(small_suite, tmp_path / "run"), tmp_path / "a.html"
    draw_audit(out, page, rows=10)
    first = marked(page, tmp_path / "1.json", read=[None, None])
    _, said = take_marks(out, first)
    line_that_says(said, "2 of the 10 drawn rows", "no mark")
    whole = marked(page, tmp_path / "2.json")
    take_marks(out, whole)
    with refused("2 marks", out / "audit.json", "1.json"):
        take_marks(out, first)
    draw_audit(out, page, rows=10, seed=1)
    with refused("other rows", out / "audit.json", "--seed 0"):
        take_marks(out, marked(page, tmp_path / "3.json"))
    assert json.loads((out / "audit.json").read_text()) == json.loads(whole.read_text())


def test_marks_of_another_run_or_of_chosen_rows_are_refused(small_suite, tmp_path):
    out, page = evaluated(small_suite, tmp_path / "run"), tmp_path / "a.html"
    draw_audit(out, page, rows=10)
    marks = marked(page, tmp_path / "m.json")
    told = json.loads(marks.read_text())
    rows = read_samples(out)
    drawn = {line["id"] for line in told["marks"]}
    hit, other = (next(i for i, row in enumerate(rows) if (row.id in drawn) is inside) for inside in (True, False))
    for name, at, words in (("hit", hit, ["the response of", rows[hit].id]), ("other", other, ["the others"])):
        copy = [replace(row, response="Answer: 7") if i == at else row for i, row in enumerate(rows)]
        write_results(copy, tmp_path / name, RUN)
        with refused("another run", *words):
            take_marks(tmp_path / name, marks)
    write_results([row for row in rows if row.id != rows[hit].id], tmp_path / "less", RUN)
    with refused("another run", rows[hit].id, "is not in"):
        take_marks(tmp_path / "less", marks)
    marks.write_text(json.dumps({**told, "marks": told["marks"][1:]}))
    with refused(marks, "--rows 10", "changed by hand"):
        take_marks(out, marks)
    assert not list(out.glob("audit*"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: [], ["idf_audit"]),
        (lambda told: {**told, "idf_audit": 2}, ["format 2"]),
        (lambda told: {**told, "run": {}}, ["responses", "missing"]),
        (
            lambda told: {**told, "marks": [{**told["marks"][0], "mark": "good"}]},
            ["row 1", "right, wrong, unsure", "good"],
        ),
        (lambda told: {**told, "marks": [told["marks"][0]] * 2}, ["twice"]),
        (lambda told: {**told, "run": {**told["run"], "sizes": {"read": "9", "unread": 1}}}, ["read", "'9'"]),
    ],
)
def test_a_file_that_the_page_did_not_save_is_refused(tmp_path, change, words):
    out, page = folder(tmp_path / "run", some(8, 2)), tmp_path / "a.html"
    draw_audit(out, page)
    marks = marked(page, tmp_path / "m.json")
    marks.write_text(json.dumps(change(json.loads(marks.read_text()))))
    with refused(marks, *words):
        take_marks(out, marks)


def test_without_the_suite_the_marks_are_kept_and_the_page_with_pictures_stays(capsys, small_suite, tmp_path):
    out, page = evaluated(small_suite, tmp_path / "run"), tmp_path / "a.html"
    results = json.loads((out / "results.json").read_text())
    results["run"]["suite"] = str(tmp_path / "gone")
    (out / "results.json").write_text(json.dumps(results))
    before = (out / "report.html").read_bytes()
    draw_audit(out, page)
    marks = marked(page, tmp_path / "m.json")
    assert run("audit", out, "--marks", marks) == 1
    says(one_sentence(capsys, "idf"), "kept in", out / "audit.json", "report.html", "--suite")
    assert (out / "report.html").read_bytes() == before
    says((out / "report.md").read_text(), "Reading checked by hand")
    assert run("audit", out, "--marks", out / "audit.json", "--suite", small_suite) == 0
    says((out / "report.html").read_text(), "Reading checked by hand")


def test_after_rescoring_the_marks_are_still_told_as_those_of_the_older_rules(small_suite, tmp_path):
    out, page = evaluated(small_suite, tmp_path / "run"), tmp_path / "a.html"
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    late = next(i for i, line in enumerate(samples) if line["parsed"] is not None)
    cell_of = samples[late]["world"]
    samples[late] |= {"correct": False, "error": "unparsed", "parsed": None, "official": 0.0}  # as older rules read it
    (out / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in samples))
    results = json.loads((out / "results.json").read_text())
    results["run"]["scoring_rules"] = 1
    for cell in results["worlds"][cell_of]["tqa"].values():
        cell["correct"] -= 1
    (out / "results.json").write_text(json.dumps(results))
    draw_audit(out, page)
    data = data_of(page)
    at = [one["id"] for one in data["rows"] if one["stratum"] == UNREAD].index(samples[late]["id"])
    take_marks(out, marked(page, tmp_path / "m.json", unread=["right"] * at + ["wrong"]))
    kept = (out / "audit.json").read_bytes()
    assert evaluate("--rescore", out) == 0
    assert (out / "audit.json").read_bytes() == kept
    for name in ("report.html", "report.md"):
        report = (out / name).read_text()
        says(report, "Reading checked by hand on 20 of 20", "rules of version 1", "1 of the 20 marks are void")
        says(report, "1 of these readings were marked wrong", "judged again")
    _, said = take_marks(out, marked(page, tmp_path / "late.json", "late"))  # marks of the page from before
    says(said, "1 of the 20 marks are void", "0 of these readings")


def test_a_broken_file_of_marks_is_told_in_the_report_and_ends_nothing(small_suite, tmp_path):
    out = evaluated(small_suite, tmp_path / "run")
    (out / "audit-x.json").write_text("{")
    assert evaluate("--rescore", out) == 0
    for name in ("report.html", "report.md"):
        says((out / name).read_text(), "audit-x.json", "no file of marks")


def test_marks_of_what_lay_in_the_folder_before_are_told_as_such(tmp_path):
    out, page = folder(tmp_path / "run", some(8, 2)), tmp_path / "pages" / "a.html"
    draw_audit(out, page)
    with refused("suites/demo"):
        take_marks(out, marked(page, tmp_path / "m.json"))
    folder(out, some(8, 2, mode="vqa"))
    write_markdown(read_results(out), out)
    says((out / "report.md").read_text(), "not shown", "another run")


def test_what_makes_no_sense_together_is_refused(capsys, tmp_path):
    out = folder(tmp_path / "run", some(8, 2))
    for arguments, words in (
        (["--marks", tmp_path / "m.json", "--seed", 1], ["--seed", "--out"]),
        (["--marks", tmp_path / "m.json"], ["no file", tmp_path / "m.json"]),
        (["--out", tmp_path / "a.txt"], ["a.txt", "HTML"]),
        (["--out", tmp_path / "a.html", "--rows", 0], ["--rows", 0]),
    ):
        assert run("audit", out, *arguments) == 1
        says(one_sentence(capsys, "idf"), *words)
    assert run("audit", out) == 2


# --- by another hand ---------------------------------------------------------------------------------------------


@needs_items
def test_marks_from_verdicts_by_another_hand_give_the_agreement_that_is_counted_apart(tmp_path):
    seen: Counter[str] = Counter()
    verdicts, lines = {}, []
    for case in CASES:
        verdicts[case["id"], "tqa", seen[case["id"]]] = case["verdict"]
        told = {key: case[key] for key in ("id", "response", "finish_reason")}
        lines.append({**told, "mode": "tqa", "sample": seen[case["id"]]})
        seen[case["id"]] += 1
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    suite = f"spatialite:{ITEMS}"
    out, page = tmp_path / "run", tmp_path / "a.html"
    samples = max(seen.values())
    asked = [
        "--responses",
        tmp_path / "r.jsonl",
        "--suite",
        suite,
        "--modes",
        "tqa",
        "--samples",
        samples,
        "--out",
        out,
    ]
    assert evaluate(*asked) == 0
    good: dict[str, list[bool]] = {READ: [], UNREAD: []}
    by_key = {}
    for one in read_samples(out):
        if key_of(one) in verdicts:
            verdict = verdicts[key_of(one)]
            # A reader who saw the right answer stated wants it read, and so on; nothing of our reading decides it.
            wanted = {
                "right": one.correct,
                "wrong": one.parsed is not None and not one.correct,
                "none": one.parsed is None,
            }
            by_key[key_of(one)] = wanted[verdict]
            good[stratum_of(one)].append(wanted[verdict])
    assert len(by_key) == 219
    for rows, seed in ((219, 0), (50, 0), (50, 1)):
        drawn, _ = draw_audit(out, page, rows=rows, seed=seed)
        assert drawn.empty == len(read_samples(out)) - 219
        assert drawn.sizes == {name: len(marks) for name, marks in good.items()}
        marks = marked(page, tmp_path / "m.json", f"{rows}-{seed}")
        told = json.loads(marks.read_text())
        for line in told["marks"]:
            line["mark"] = "right" if by_key[line["id"], line["mode"], line["sample"]] else "wrong"
        marks.write_text(json.dumps(told))
        _, said = take_marks(out, marks)
        judged = {name: [by_key[key_of(one)] for one in drawn.rows if stratum_of(one) == name] for name in good}
        share = sum(len(good[name]) / 219 * sum(mine) / len(mine) for name, mine in judged.items())
        if rows == 219:
            assert share == pytest.approx(sum(by_key.values()) / 219)
            line_that_says(said, "read rightly, of all responses", f"{share:.1%} (known)")
        low, high = by_bisection(sum(judged[READ]), len(judged[READ]))
        text = next(one.lines for one in audits_of(out).said if f" {rows}-{seed} " in one.title)
        assert text[0].share.startswith(f"{share:.1%}")
        if rows < 219:
            says(text[1].share, f"{1 - high:.1%} to {1 - low:.1%}")
