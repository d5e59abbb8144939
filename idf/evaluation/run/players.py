"""Who plays a suite: a model, a baseline, or whoever left a file of responses. They are one idea, and one loop asks them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from idf.backends import (
    Backend,
    ModelSpec,
    Response,
    backend_class,
    fingerprint_of,
    left_out,
    notes_on,
    open_backend,
    sampling_facts,
    without_answer,
)
from idf.errors import UserError
from idf.suites import Item

from ..metrics.baselines import baseline_response, exercise_response
from .answers import Answers
from .generation import ask_all, collect, missing
from .preflight import preflight
from .queries import Ask, Form, Keys, Requests
from .recipe import DEFAULT_MODES, EvaluationRecipe
from .responses import matched, modes_of, read_responses


class Player(ABC):
    """Who plays a suite.

    Attributes:
        facts: What `run` says of the player, after `play` of what came, too.
        reads_prompts: Whether prompts and pictures mean anything to the player.
        may_overwrite: Whether the command that it comes from has `--overwrite`.
        modes: What is shown.
        samples: Responses to each item.
    """

    reads_prompts = False
    may_overwrite = True

    def __init__(self, recipe: EvaluationRecipe) -> None:
        self.modes = list(recipe.modes or DEFAULT_MODES)
        self.samples = recipe.samples
        self.facts: dict[str, Any] = {}

    @abstractmethod
    def play(self, asks: Sequence[Ask], form: Form) -> list[Response] | None:
        """The responses to all asks, in their order; None if not all of them are answered yet.

        Args:
            asks: What is wanted.
            form: How items are shown.

        Raises:
            UserError: The playing ended early. What came is kept.
        """

    def meet(self, suite: Sequence[Item], items: Sequence[Item]) -> None:  # noqa: B027 (most can play anything)
        """Look at the items before any is played.

        Args:
            suite: All items of the suite.
            items: Those that are asked.

        Raises:
            UserError: The player cannot have been asked them.
        """


class BaselinePlayer(Player):
    """A trivial or perfect player.

    Args:
        recipe: The evaluation.
    """

    def __init__(self, recipe: EvaluationRecipe) -> None:
        super().__init__(recipe)
        assert recipe.baseline is not None
        self.name = recipe.baseline

    def play(self, asks: Sequence[Ask], form: Form) -> list[Response] | None:
        """As `Player.play`; each item, mode and sample is a game of its own."""
        return [Response(self._said(ask)) for ask in asks]

    def _said(self, ask: Ask) -> str:
        if ask.item.exercise is not None:
            return exercise_response(self.name, ask.item.exercise)
        return baseline_response(self.name, ask.item.problem, _seed_text(ask))


def _seed_text(ask: Ask) -> str:
    return f"{ask.item.id} {ask.mode}" + (f" {ask.sample}" if ask.sample else "")


class StoredPlayer(Player):
    """Responses that somebody else had.

    Args:
        recipe: The evaluation.
        say: Says in a sentence what was found.

    Raises:
        UserError: The file cannot be read.
    """

    def __init__(self, recipe: EvaluationRecipe, say: Callable[[str], None]) -> None:
        super().__init__(recipe)
        assert recipe.responses is not None
        self.path, self.say = Path(recipe.responses), say
        self.stored = read_responses(self.path)
        self.modes = modes_of(self.stored, recipe.modes, self.path)

    def meet(self, suite: Sequence[Item], items: Sequence[Item]) -> None:
        """As `Player.meet`; a response to no item of the suite is refused."""
        ids = [item.id for item in suite], [item.id for item in items]
        found = matched(self.stored, *ids, self.modes, self.path)
        for note in found.notes:
            self.say(note)
        self.stored = found.responses
        self.samples = max([self.samples, *(key[2] + 1 for key in self.stored)])
        self.facts = {"failed": found.failed, "no_answer": without_answer(list(self.stored.values()))}

    def play(self, asks: Sequence[Ask], form: Form) -> list[Response] | None:
        """As `Player.play`; what has no response counts, as an empty one."""
        keys = [(ask.item.id, ask.mode, ask.sample) for ask in asks]
        absent = sum(key not in self.stored for key in keys)
        if absent:
            self.say(
                f"{absent} of {len(keys)} questions have no response in {self.path}: each counts as an empty answer, so as wrong"
            )
        self.facts |= {"without_response": absent}
        return [self.stored.get(key, Response("")) for key in keys]


class ModelPlayer(Player):
    """A model, with its answers on disk as they come.

    Args:
        recipe: The evaluation.
        folder: The folder of answers.
        share: (i, n): ask only the i-th share of n.
        say: Says in a sentence what was found.
        show: Whether to show progress bars.

    Raises:
        UserError: The model is not there, or cannot answer.
    """

    reads_prompts = True

    def __init__(
        self,
        recipe: EvaluationRecipe,
        folder: Path,
        share: tuple[int, int] | None,
        say: Callable[[str], None],
        show: bool,
    ) -> None:
        super().__init__(recipe)
        self.spec: ModelSpec = recipe.spec
        self.folder, self.share, self.say, self.show = folder, share, say, show
        self.backend: Backend | None = None
        kind = backend_class(self.spec.backend)
        self.fingerprint = fingerprint_of(self.spec, whole=recipe.whole_hash)
        self.facts = {
            "backend": self.spec.backend,
            "fingerprint": self.fingerprint,
            "max_new_tokens": self.spec.sampling.max_new_tokens,
            **sampling_facts(self.spec.sampling, ()),
            **kind.told(self.spec.options),
            "versions": kind.versions(),
            "failed": 0,
        }

    def play(self, asks: Sequence[Ask], form: Form) -> list[Response] | None:
        """As `Player.play`; None for a worker's share."""
        name = Keys(self.fingerprint, self.spec.sampling, form)
        keys = [name(ask) for ask in asks]
        with Answers(self.folder) as answers:
            left = sum(answers.lacks(key) for key in keys)
            if len(answers):
                self.say(
                    f"{len(keys) - left} of {len(keys)} answers were found in {answers.folder} and are not asked again"
                )
            if left:
                self._ask(asks, form, keys, answers)
            if self.share is not None:
                return None
            answers.read()
            responses = collect(keys, answers)
            absent = missing(keys, answers)
        failed = sum(response.error is not None for response in responses)
        if failed == len(responses):
            raise UserError(f"none of {failed} questions was answered, the last because: {responses[-1].error}")
        if failed:
            self.say(
                f"{failed} of {len(asks)} questions got no response ({absent} of them were never asked); they count as wrong "
                "(column failed). The same command asks only for these again"
            )
        self.facts |= sampling_facts(self.spec.sampling, left_out(responses)) | {
            "failed": failed,
            "no_answer": without_answer(responses),
        }
        for note in notes_on(responses, [(ask.item.id, ask.mode) for ask in asks]):
            self.say(note)
        return responses

    def _ask(self, asks: Sequence[Ask], form: Form, keys: Sequence[str], answers: Answers) -> None:
        if self.backend is None:
            self.backend = open_backend(self.spec)
        share = self.share or (0, 1)
        found = preflight(asks, form, self.backend, self.spec.sampling.max_new_tokens)
        if share[0] == 0:
            self.say(str(found))
        show = self.show and share[0] == 0
        try:
            ask_all(Requests(asks, form), keys, answers, self.backend, lengths=found.lengths, share=share, show=show)
        finally:
            self.facts |= self.backend.facts()
        for note in self.backend.notes():
            self.say(note)


def player_of(
    recipe: EvaluationRecipe,
    folder: Path,
    share: tuple[int, int] | None = None,
    *,
    say: Callable[[str], None] = print,
    show: bool = True,
) -> Player:
    """The player of an evaluation; a wrong name is refused here, before a suite is made.

    Args:
        recipe: The evaluation.
        folder: The folder of answers.
        share: (i, n): ask only the i-th share of n.
        say: Says in a sentence what was found.
        show: Whether to show progress bars.

    Raises:
        UserError: There is no such player.
    """
    if recipe.baseline is not None:
        return BaselinePlayer(recipe)
    if recipe.responses is not None:
        return StoredPlayer(recipe, say)
    return ModelPlayer(recipe, folder, share, say, show)
