"""One evaluation from end to end: who is asked what, what came, and what is written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idf.backends import (
    Backend,
    HFBackend,
    OpenAIBackend,
    Response,
    Sampling,
    asked_with,
    left_out,
    notes_on,
    sampling_facts,
    without_answer,
)
from idf.errors import UserError
from idf.extras import EXTRAS, require
from idf.recipe import check_names, check_pixels, check_positive, to_plain
from idf.suites import MODES, PROMPT_SETS, Item, SuiteRecipe, distinct, open_suite

from ..metrics.baselines import baseline_response
from ..metrics.row import Row
from ..report.markdown import write_markdown
from ..report.plots import write_summary_png
from ..report.report import write_report
from ..report.tables import efficiency_table, table
from .answers import Answers
from .default_suite import generate_whole, recipe_in
from .facts import facts_of
from .generation import ask_all, collect, missing
from .items import spread
from .llm_parser import parse_with, parser_replies
from .preflight import preflight
from .queries import Ask, Form, Keys, Requests, all_asks
from .responses import read_responses
from .results import write_results
from .score import score_rows, scored
from .who import BACKENDS, fingerprint_of, open_backend, told, trained_pixels, versions

MAX_PIXELS = 1_204_224
"""Largest picture for a model that does not say what it was trained with; what our recipes train with."""
PICTURES = ("auto", "published", "drawn", "both")
CAP_WARNING = 0.02  # a share of cut-off responses above this is said loudly


@dataclass(frozen=True)
class Evaluation:
    """Everything that decides an evaluation.

    Attributes:
        out: Folder for the results, and for answers as they come.
        checkpoint: Who is asked: a folder or hub name, or the name of an endpoint's model. One of these three is given.
        baseline: A trivial or perfect player.
        responses: A file of stored responses.
        suite: What is asked; None to generate one in `out`.
        modes: What is shown.
        limit: Only so many items of each world.
        duplicates: "keep" or "drop" items that pose the same problem as an earlier one.
        prompts: The prompt set.
        pictures: "auto", "published", "drawn" or "both".
        max_pixels: Largest picture; None for what the checkpoint was trained with.
        other_pixels: Whether `max_pixels` may differ from that.
        backend: "hf", "vllm" or "openai".
        sampling: How tokens are chosen.
        samples: Responses to each item.
        batch_size: Prompts that transformers computes at once.
        context: What an endpoint can hold in tokens.
        gpus: GPUs that share a model in vLLM.
        endpoint: Options of `OpenAIBackend`.
        parser: "rules", or "openai:MODEL".
        parser_endpoint: Options of `OpenAIBackend` for the parser, and its `temperature` (0) and `max_new_tokens` (512).
        answers: Folder of answers; None for `out/answers`.
        share: (i, n): ask only the i-th share of n, and write no results.
        whole_hash: Whether all bytes of the weights go into the fingerprint.
        deterministic: Whether vLLM is told to compute the same whatever else is in a batch.
    """

    out: Path
    checkpoint: str | None = None
    baseline: str | None = None
    responses: Path | None = None
    suite: str | None = None
    modes: list[str] = field(default_factory=lambda: ["vtqa"])
    limit: int | None = None
    duplicates: str = "keep"
    prompts: str = "idf-long-1"
    pictures: str = "auto"
    max_pixels: int | None = None
    other_pixels: bool = False
    backend: str = "hf"
    sampling: Sampling = field(default_factory=lambda: Sampling(2048))
    samples: int = 1
    batch_size: int = 16
    context: int | None = None
    gpus: int = 1
    endpoint: dict[str, Any] = field(default_factory=dict)
    parser: str = "rules"
    parser_endpoint: dict[str, Any] = field(default_factory=dict)
    answers: Path | None = None
    share: tuple[int, int] | None = None
    whole_hash: bool = False
    deterministic: bool = False

    def check(self) -> None:
        """Refuse what cannot be evaluated, with a sentence."""
        given = [x for x in (self.checkpoint, self.baseline, self.responses) if x is not None]
        if len(given) != 1:
            raise UserError(
                "name one of: a checkpoint, --baseline NAME, or --responses FILE (or --watch RUN, or --rescore DIR)"
            )
        check_names("--modes", self.modes, MODES)
        if self.prompts not in PROMPT_SETS:
            raise UserError(f"unknown prompts {self.prompts!r}: use one of {', '.join(PROMPT_SETS)}")
        check_names("--backend", [self.backend], BACKENDS)
        if self.gpus > 1 and self.backend != "vllm":
            raise UserError("--gpus goes with --backend vllm only: transformers holds the model on one")
        if self.out.is_file():
            raise UserError(f"--out {self.out} is a file: name a folder")
        check_pixels(self.max_pixels)
        check_names("--pictures", [self.pictures], PICTURES)
        check_names("--duplicates", [self.duplicates], ("keep", "drop"))
        for option in ("limit", "batch_size", "samples", "context", "gpus"):
            check_positive(f"--{option.replace('_', '-')}", getattr(self, option))
        if self.samples > 1 and self.sampling.temperature == 0 and self.checkpoint is not None:
            raise UserError(
                f"--samples {self.samples} would give {self.samples} equal answers: add --temperature 0.7, say"
            )
        if self.checkpoint is None and self.share is not None:
            raise UserError("--worker goes with a checkpoint only")
        if self.parser != "rules" and not self.parser.removeprefix("openai:"):
            raise UserError("--parser must be rules, or openai:MODEL")
        if self.parser != "rules" and not self.parser.startswith("openai:"):
            raise UserError(f"unknown parser {self.parser!r}: use rules, or openai:MODEL")
        if self.checkpoint is not None and self.backend != "openai":
            self.sampling.check_ours(f"--backend {self.backend}")
        if self.checkpoint is not None and self.backend in EXTRAS:
            require(f"--backend {self.backend}", self.backend)

    @property
    def who(self) -> str:
        """A name for tables."""
        if self.responses is not None:
            return self.responses.name
        return self.checkpoint or f"baseline {self.baseline}"


def run_evaluation(job: Evaluation, *, say: Callable[[str], None] = print, show: bool = True) -> dict[str, Any] | None:
    """Ask, score, write `samples.jsonl`, `results.json` and the reports.

    Args:
        job: What is evaluated.
        say: Says in a sentence what was found.
        show: Whether to show progress bars.

    Returns:
        What `results.json` says; None for a worker's share.

    Raises:
        UserError: Something is wrong with what was asked for, or the asking ended early. Answers that came are kept.
    """
    job.check()
    begun = time.perf_counter()
    stored = read_responses(job.responses) if job.responses is not None else {}
    # Whoever is evaluated comes first: a wrong name must not cost the making of a suite.
    max_pixels = _max_pixels(job)
    who = fingerprint_of(job, job.checkpoint) if job.checkpoint is not None else None
    items, suite = _items(job, max_pixels)
    slides = _published_slides(items, suite) if job.pictures == "both" and job.checkpoint is not None else []
    run: dict[str, Any] = {
        "evaluated": job.who,
        "suite": suite,
        **facts_of(items),
        "modes": job.modes,
        "limit": job.limit,
        "samples": job.samples,
        "duplicates": job.duplicates,
    }
    redraw = {
        "auto": {"wood_slide"} if suite.startswith("spatialite:") else set(),
        "published": set(),
        "drawn": {item.problem.world for item in items},
    }
    if job.checkpoint is None:
        rows, more = _without_model(job, items, stored)
        run |= more
    else:
        pictures = "auto" if job.pictures == "both" else job.pictures
        form = Form(job.prompts, max_pixels, frozenset(redraw[pictures]))
        assert who is not None
        asking = _Asking(job, who, say, show)
        answered = asking.ask(items, form)
        facts = asking.facts | {"prompts": job.prompts, "pictures": pictures, "max_pixels": max_pixels}
        # Wood Slide once more, with the published pictures, which print the length of the solution.
        again = asking.ask(slides, Form(job.prompts, max_pixels)) if slides else None
        if answered is None:
            return None
        rows = answered
        if again is not None:
            run_again = run | facts | facts_of(slides) | {"pictures": "published", "failed": asking.facts["failed"]}
            out = job.out / "published_pictures"
            _conclude(job, _parsed_again(job, again, slides, run_again, out, say), slides, run_again, out, say)
        run |= facts
    rows = _parsed_again(job, rows, items, run, job.out, say)
    run |= {"seconds": round(time.perf_counter() - begun, 1)}
    return _conclude(job, rows, items, run, job.out, say)


def _max_pixels(job: Evaluation) -> int:
    trained = trained_pixels(job.checkpoint) if job.checkpoint is not None else None
    if job.max_pixels is not None and trained not in (None, job.max_pixels) and not job.other_pixels:
        raise UserError(
            f"{job.checkpoint} was trained with pictures of at most {trained} pixels (its idf.json says so), and "
            f"--max-pixels {job.max_pixels} would show it others: leave the option out, or add --other-pixels"
        )
    return job.max_pixels or trained or MAX_PIXELS


def _items(job: Evaluation, max_pixels: int) -> tuple[list[Item], str]:
    """The items to ask, and the name of their suite."""
    suite = job.suite
    if suite is None:
        made, recipe = job.out / "suite", SuiteRecipe(max_pixels=max_pixels)
        suite = str(made)
        if not (made / "suite.json").exists():
            generate_whole(recipe, made)
        if recipe_in(made / "suite.json") != to_plain(recipe):
            raise UserError(f"{made} holds a suite of an earlier run: name it with --suite, or choose another --out")
    items = open_suite(suite)
    if job.duplicates == "drop":
        items = distinct(items)
    return (items if job.limit is None else spread(items, job.limit)), suite


def _without_model(
    job: Evaluation, items: Sequence[Item], stored: dict[tuple[str, str, int], Response]
) -> tuple[list[Row], dict[str, Any]]:
    """The rows of a baseline or of stored responses."""
    if job.baseline is not None:
        told = {
            (ask.item.id, ask.mode, ask.sample): Response(
                baseline_response(job.baseline, ask.item.problem, _seed_text(ask))
            )
            for ask in all_asks(items, job.modes, job.samples)
        }
        return score_rows(items, job.modes, told, job.samples)[0], {}
    every = {item.id for item in (open_suite(job.suite) if job.suite is not None else items)}
    if strange := [key[0] for key in stored if key[0] not in every]:
        raise UserError(f"{len(strange)} responses belong to no item of the suite, {strange[0]} among them")
    asked = {item.id for item in items}
    wanted = {key: value for key, value in stored.items() if key[0] in asked and key[1] in job.modes}
    samples = max([job.samples, *(key[2] + 1 for key in wanted)])
    rows, absent = score_rows(items, job.modes, wanted, samples)
    if absent:
        print(f"{absent} of {len(rows)} items have no response: counted as empty")
    return rows, {"without_response": absent, "samples": samples}


def _seed_text(ask: Ask) -> str:
    return f"{ask.item.id} {ask.mode}" + (f" {ask.sample}" if ask.sample else "")


class _Asking:
    """Asks a model, with answers on disk.

    Args:
        job: The evaluation.
        who: The fingerprint of whoever answers.
        say: Says in a sentence what was found.
        show: Whether to show progress bars.

    Attributes:
        facts: What `run` says of whoever answered.
    """

    def __init__(self, job: Evaluation, who: str, say: Callable[[str], None], show: bool) -> None:
        self.job, self.who, self.say, self.show = job, who, say, show
        self.backend: Backend | None = None
        self.facts: dict[str, Any] = {
            "backend": job.backend,
            "fingerprint": who,
            "max_new_tokens": job.sampling.max_new_tokens,
            **sampling_facts(job.sampling, ()),
            **asked_with(job.endpoint),
            "versions": versions(job.backend),
        }

    def ask(self, items: Sequence[Item], form: Form) -> list[Row] | None:
        """The rows of some items; None for a worker's share, which is asked only."""
        job = self.job
        asks = all_asks(items, job.modes, job.samples)
        name = Keys(self.who, job.sampling, form)
        keys = [name(ask) for ask in asks]
        with Answers(job.answers or job.out / "answers") as answers:
            left = sum(answers.lacks(key) for key in keys)
            if len(answers):
                self.say(f"{len(keys) - left} of {len(keys)} answers are in {answers.folder} already")
            if left:
                self._ask(asks, form, keys, answers)
            if job.share is not None:
                return None
            answers.read()
            responses = collect(keys, answers)
            absent = missing(keys, answers)
        failed = sum(response.error is not None for response in responses)
        if failed == len(responses):
            raise UserError(f"none of {failed} questions was answered, the last because: {responses[-1].error}")
        if failed:
            self.say(
                f"{failed} of {len(asks)} answers could not be had ({absent} were never asked): they count as errors; run "
                "the same command again to ask for them"
            )
        self.facts |= sampling_facts(job.sampling, left_out(responses)) | {
            "failed": failed,
            "no_answer": without_answer(responses),
        }
        for note in notes_on(responses, [(ask.item.id, ask.mode) for ask in asks]):
            self.say(note)
        return [scored(ask, response) for ask, response in zip(asks, responses, strict=True)]

    def _ask(self, asks: Sequence[Ask], form: Form, keys: Sequence[str], answers: Answers) -> None:
        job = self.job
        if self.backend is None:
            self.backend = open_backend(job)
        backend, share = self.backend, job.share or (0, 1)
        if isinstance(backend, HFBackend):
            self.facts["device"] = backend.device
        found = preflight(asks, form, backend, job.sampling.max_new_tokens, job.context)
        if share[0] == 0:
            self.say(str(found))
        batch_size = backend.batch_size if isinstance(backend, HFBackend) else None
        show = self.show and share[0] == 0
        ask_all(Requests(asks, form), keys, answers, backend, batch_size=batch_size, share=share, show=show)


def _published_slides(items: Sequence[Item], suite: str) -> list[Item]:
    """The items of Wood Slide that have a published picture."""
    slides = [item for item in items if item.problem.world == "wood_slide" and item.picture is not None]
    if not suite.startswith("spatialite:") or not slides:
        raise UserError("--pictures both is for published suites with Wood Slide: their pictures alone tell the length")
    return slides


def _parsed_again(
    job: Evaluation, rows: list[Row], items: Sequence[Item], run: dict[str, Any], out: Path, say: Callable[[str], None]
) -> list[Row]:
    """The rows by the answers that a language model quotes, if one is asked for."""
    if job.parser == "rules":
        return rows
    model = job.parser.removeprefix("openai:")
    options = dict(job.parser_endpoint)
    sampling = Sampling(options.pop("max_new_tokens", 512), options.pop("temperature", 0.0))
    backend = OpenAIBackend(model, sampling=sampling, **options)
    # The default sampling has no part in the name, so that quotes of earlier runs are found.
    how = "" if sampling == Sampling(512) else f" {sampling.max_new_tokens} {sampling.temperature}"
    who = f"{job.parser} {backend.base_url}{how}{told(options)}"
    with Answers(job.answers or job.out / "answers") as answers:
        found, agreement = parse_with(backend, rows, items, answers, who)
        replies = parser_replies(rows, items, answers, who)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "parsers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in agreement.disagreements), encoding="utf-8")
    say(f"{agreement}; the disagreements are in {path}")
    for note in notes_on(replies):
        say(f"parser: {note}")
    run["parser"] = {
        "name": job.parser,
        "base_url": backend.base_url,
        **sampling_facts(sampling, left_out(replies)),
        **asked_with(options),
        "no_answer": without_answer(replies),
        **agreement.counts(),
    }
    return found


def _conclude(
    job: Evaluation, rows: list[Row], items: Sequence[Item], run: dict[str, Any], out: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Write everything, and print the table."""
    results = write_results(rows, out, run, items, job.modes)
    report = write_report(rows, results, out, items)
    write_markdown(results, out)
    write_summary_png(rows, results, out)
    say(f"{job.who} on {run['suite']}\n{table(results)}")
    if tokens := efficiency_table(results):
        say(tokens)
    cut = sum(row.finish_reason == "length" for row in rows)
    if cut > CAP_WARNING * len(rows):
        say(
            f"warning: {cut} of {len(rows)} responses ({cut / len(rows):.1%}) were cut off at --max-new-tokens: accuracies are "
            "lower bounds"
        )
    say(f"report: {report}")
    return results
