"""A person before a suite: asked what a model is asked, one item at a time; answers and seconds become a run."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from idf.answers import UNDETERMINED
from idf.backends import Response
from idf.errors import UserError
from idf.evaluation import Answers, EvaluationRecipe, run_evaluation
from idf.evaluation.run.generation import collect
from idf.evaluation.run.players import Player
from idf.evaluation.run.queries import Ask, Form, Keys, Requests
from idf.recipe import check_names
from idf.scoring import score
from idf.suites import MODES
from idf.worlds import WORLDS

from ._scene import picture_address
from ._server import PORT, SAY, PlayServer, serve

MOST_CHARACTERS = 10_000  # of an answer


@dataclass(frozen=True)
class PersonRecipe(EvaluationRecipe):
    """What a person is asked: an evaluation in which nobody is named but a person.

    Attributes:
        person: The person's name.
    """

    person: str = "a person"

    def check(self) -> None:
        """Refuse what cannot be asked, with a sentence; who is asked decides nothing of that."""
        check_names("--mode", self.modes or (), MODES)
        if len(self.modes or ()) != 1:
            raise UserError("--mode names one mode: whoever answered an item in one mode knows it in the next")
        of_all = {field.name: getattr(self, field.name) for field in fields(EvaluationRecipe)}
        EvaluationRecipe(**{**of_all, "baseline": "oracle"}).check()

    @property
    def title(self) -> str:
        """The person, for tables."""
        return self.person


def ask_person(
    suite: str,
    out: Path,
    *,
    mode: str = "vtqa",
    limit: int | None = None,
    prompts: str = "idf-long-1",
    person: str = "a person",
    port: int = PORT,
    browse: bool = True,
    say: Callable[[str], None] = SAY,
) -> dict[str, Any] | None:
    """Serve the page on which a person answers a suite, and write the results when all is answered.

    Every answer is on the disk when the page goes on. The same call resumes where the person was.

    Args:
        suite: What is asked, as of `idf-eval --suite`.
        out: Folder of the run.
        mode: What is shown, as a model in this mode is shown it.
        limit: Only so many items of each world, spread evenly over the suite.
        prompts: The prompt set.
        person: The person's name, for tables.
        port: The port on 127.0.0.1; 0 for any free one.
        browse: Whether to open the page in the browser.
        say: Says in a sentence what was found.

    Returns:
        What `results.json` says; None if not all is answered yet.

    Raises:
        UserError: Something is wrong with what was asked for, the folder holds another evaluation, or the port is in use.
    """
    recipe = PersonRecipe(suite=suite, modes=[mode], limit=limit, prompts=prompts, person=person)

    def attend(sitting: Sitting) -> None:
        actions = {"about": sitting.about, "show": sitting.show, "pause": sitting.pause, "answer": sitting.answer}
        serve(PlayServer("person.html", actions, port), browse=browse, say=say, done=sitting.done)

    return run_evaluation(recipe, out, player=PersonPlayer(recipe, out / "answers", attend, say), say=say)


class PersonPlayer(Player):
    """A person, with answers on disk as they come.

    Args:
        recipe: What is asked.
        folder: The folder of answers.
        attend: Lets the person answer, and returns when all is answered or the person has had enough.
        say: Says in a sentence what was found.
    """

    reads_prompts = True
    may_overwrite = False

    def __init__(
        self, recipe: PersonRecipe, folder: Path, attend: Callable[[Sitting], None], say: Callable[[str], None]
    ) -> None:
        super().__init__(recipe)
        self.folder, self.attend, self.say = folder, attend, say
        self.who, self.sampling = f"person {recipe.person}", recipe.sampling
        self.facts = {"person": recipe.person, "fingerprint": self.who}

    def play(self, asks: Sequence[Ask], form: Form) -> list[Response] | None:
        """As `Player.play`; None if not all is answered yet."""
        name = Keys(self.who, self.sampling, form)
        keys = [name(ask) for ask in asks]
        with Answers(self.folder) as answers:
            sitting = Sitting(asks, keys, form, answers, self.folder / "looked.json")
            if sitting.left:
                self.say(f"{len(asks) - sitting.left} of {len(asks)} items are answered")
                try:
                    self.attend(sitting)
                finally:
                    sitting.pause({})
            if sitting.left:
                self.say(f"{len(asks) - sitting.left} of {len(asks)} items are answered; the same command resumes")
                return None
            return collect(keys, answers)


class Sitting:
    """One person before a suite. The clock runs while an item is shown.

    Args:
        asks: What is asked, in order.
        keys: The key of each answer.
        form: How items are shown.
        answers: What is answered.
        looked: The file that keeps for how long the open item was shown before a pause.
        clock: Seconds, from any beginning.
    """

    def __init__(
        self,
        asks: Sequence[Ask],
        keys: Sequence[str],
        form: Form,
        answers: Answers,
        looked: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.asks, self.keys, self.answers = asks, keys, answers
        self.requests, self.file, self.clock = Requests(asks, form), looked, clock
        self.done = threading.Event()
        self.begun: float | None = None  # when the clock began to run; None in a pause
        self.looked = self._looked()

    @property
    def left(self) -> int:
        """How many are not answered."""
        return sum(map(self.answers.lacks, self.keys))

    def _at(self) -> int:
        """The first that is not answered."""
        return next(at for at, key in enumerate(self.keys) if self.answers.lacks(key))

    def _looked(self) -> float:
        """For how many seconds the open item was shown in earlier sittings."""
        if not self.left or not self.file.exists():
            return 0.0
        try:
            told = json.loads(self.file.read_text(encoding="utf-8"))
            return float(told["seconds"]) if told["key"] == self.keys[self._at()] else 0.0
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{self.file} is broken: remove it, and the open item's time begins at 0") from None

    @property
    def seconds(self) -> float:
        """For how long the open item was shown so far."""
        return self.looked + (0.0 if self.begun is None else self.clock() - self.begun)

    # --- what the page asks for ------------------------------------------------------------------------------------

    def about(self, asked: dict[str, Any]) -> dict[str, Any]:
        """How many items there are, and how many are answered."""
        return {"items": len(self.asks), "answered": len(self.asks) - self.left}

    def show(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The open item as a model is shown it, and words that an answer may use; its clock runs on."""
        ask, request = self.asks[self._at()], self.requests[self._at()]
        problem, world = ask.item.problem, WORLDS[ask.item.problem.world]
        texts = [part["text"] for message in request.messages for part in message["content"] if part["type"] == "text"]
        if self.begun is None:
            self.begun = self.clock()
        return {
            "number": self._at() + 1,
            "id": ask.item.id,
            "prompt": "\n".join(texts),
            "picture": None if request.picture is None else picture_address(request.picture),
            "form": world.answer(problem).form,
            "words": [*(world.actions if world.plans else world.colours), *([UNDETERMINED] if world.in_part else [])],
        } | self.about(asked)

    def pause(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Stop the clock, and keep what it says."""
        self.looked, self.begun = self.seconds, None
        if self.left:
            text = json.dumps({"key": self.keys[self._at()], "seconds": self.looked})
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.with_suffix(".part").write_text(text, encoding="utf-8")
            os.replace(self.file.with_suffix(".part"), self.file)
        return self.about(asked)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Keep the answer to the open item; one that cannot be read is told back. No text at all gives the item up.

        Raises:
            UserError: The answer is to another item than the open one, too long, or cannot be read.
        """
        at, text = self._at(), asked["text"]
        ask = self.asks[at]
        if asked["id"] != ask.item.id:
            raise UserError(f"{ask.item.id} is the open item, not {asked['id']}: reload the page")
        if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
            raise UserError(f"an answer is a text of at most {MOST_CHARACTERS:,} characters")
        said = text.strip()
        response = said if not said or said.casefold().startswith("answer:") else f"Answer: {said}"
        if response and score(ask.item.problem, response).parsed is None:
            raise UserError(
                f"this cannot be read; write it as: {WORLDS[ask.item.problem.world].answer(ask.item.problem).form}"
            )
        kept = Response(response, finish_reason="stop")
        self.answers.add(self.keys[at], replace(kept, seconds=round(self.seconds, 3)))
        self.looked, self.begun = 0.0, None
        if not self.left:
            self.done.set()
        return self.about(asked)
