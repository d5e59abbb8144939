"""The one abstraction that everything stands on: what a world can do.

A world is a table and a few pure functions on immutable states. It knows nothing of pictures, models or files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from idf.answers import AnswerKind

from ._facts import Conventions, Fact
from ._rng import Rng

S = TypeVar("S")
"""A state: immutable and hashable."""
Q = TypeVar("Q", bound=NamedTuple)
"""A query: a NamedTuple of strings, so that it is its own JSON."""

DIFFICULTIES = ("easy", "medium", "hard")
WORDINGS = ("long", "short")

Answer = Any
"""A parsed answer: str (colour), int (count), dict[str, int] (colour counts) or tuple[str, ...] (plan)."""


class IllegalAction(ValueError):
    """An action that breaks a rule of its world; the message names the rule."""


@dataclass(frozen=True)
class Problem(Generic[S, Q]):
    """A question about a state.

    Attributes:
        world: Name of the world.
        difficulty: "easy", "medium" or "hard", from the exact measure `World.size`.
        start: The state that is shown.
        query: What is asked of it.
    """

    world: str
    difficulty: str
    start: S
    query: Q


@dataclass(frozen=True)
class Walk(Generic[S]):
    """A random sequence of legal steps, and a question about the state it ends in.

    Attributes:
        world: Name of the world.
        difficulty: "easy", "medium" or "hard".
        start: The first state.
        actions: The actions, in order; each is legal where it is taken.
        question: What is asked about the last state.
        reading: How the answer is read off the last state, in words; empty if the answer is that state.
        answer: The true answer, as text.
        initial: The answer of somebody who imagines nothing: the question answered from the start state.
    """

    world: str
    difficulty: str
    start: S
    actions: tuple[str, ...]
    question: str
    reading: str
    answer: str
    initial: str


Scene = Problem[Any, Any] | Walk[Any]
"""What a sample is about: a problem or a walk."""


class Keys(NamedTuple):
    """Texts that tell whether two scenes are the same, at three levels of strictness.

    Attributes:
        exact: Equal for the same start and the same question, to the letter.
        canonical: Equal for scenes that a symmetry of the world or a mere notation turns into each other.
        skeleton: Equal for scenes of the same shape: colours, labels or targets are left out.
        states: For a world that lives in a pocket of its state space, the canonical form of every state on the way.
    """

    exact: str
    canonical: str
    skeleton: str
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What judging a parsed answer says.

    Attributes:
        correct: Whether the answer is right.
        error: None if correct, else "wrong" (a false answer), "illegal" (the plan breaks a rule),
            "incomplete" (a legal plan that ends short of the goal).
        detail: One sentence on what was found.
        moves: Length of the plan, for planning worlds.
        optimal: Least length of any plan, for planning worlds.
        touched: Whether the goal held after some legal prefix of the plan, whatever came next; None if not a plan.
    """

    correct: bool
    error: str | None
    detail: str
    moves: int | None = None
    optimal: int | None = None
    touched: bool | None = None


class World(ABC, Generic[S, Q]):
    """The simulator of one task family.

    Class attributes:
        name: The world's name, which is also the name of its file.
        version: Raise it when the same seed would give other scenes.
        query_type: The NamedTuple of strings that its problems ask with.
        bins: For each difficulty, the values of `size` that belong to it.
        rule: One or two sentences that state the actions and what they do, for imagery prompts.
        actions: Every word that can name an action, legal or not.
        look: How to write down what the picture shows, for prompts that ask for it; the answer is `see`.
        recall: How to write down a whole state from memory, where `look` asks for something else.
        inside: How the world is put to an agent on its board that sees a part of it (`glimpse`): what the signs mean, what to do.
        always_legal: Whether every action is legal in every state, so that asking which ones are has no point.
        plans: Whether its problems ask for a plan.
        clean_level: The level of `Keys` at which published items are avoided.
        colours: The colour names that its answers use (none for planning worlds).
        counts_cells: Whether texts name its cells by row and column, which may be counted from 0 or from 1.
        steps_at_once: Whether several steps may be taken as one (two quarter turns as a half turn).
        in_part: Whether its scenes are shown in part, so that "cannot be determined" may be the right answer.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    query_type: ClassVar[type[Any]]
    bins: ClassVar[Mapping[str, range]]
    rule: ClassVar[str]
    actions: ClassVar[tuple[str, ...]]
    look: ClassVar[str]
    recall: ClassVar[str] = ""
    inside: ClassVar[str] = ""
    always_legal: ClassVar[bool] = False
    plans: ClassVar[bool] = False
    clean_level: ClassVar[str] = "canonical"
    colours: ClassVar[tuple[str, ...]] = ()
    counts_cells: ClassVar[bool] = False
    steps_at_once: ClassVar[bool] = False
    in_part: ClassVar[bool] = False

    @property
    def family(self) -> str:
        """The name of the world whose scenes it has, so that both share one split and what was published; its own by default."""
        return self.name

    # --- the rules -------------------------------------------------------------------------------------------

    @abstractmethod
    def draw(self, rng: Rng, difficulty: str) -> S:
        """A random start state of a difficulty."""

    @abstractmethod
    def legal_actions(self, state: S) -> tuple[str, ...]:
        """The actions that `step` accepts, in a fixed order."""

    @abstractmethod
    def step(self, state: S, action: str) -> S:
        """The state after an action.

        Raises:
            IllegalAction: The action breaks a rule; the message names it.
        """

    @abstractmethod
    def write(self, state: S) -> str:
        """The state as compact, unambiguous text: `read(write(s)) == s`."""

    @abstractmethod
    def read(self, text: str) -> S:
        """The state that `write` wrote.

        Raises:
            ValueError: The text is not a state of this world; the message says why.
        """

    def line(self, state: S) -> str:
        """What a simulation writes after each step; `write` by default, less what never changes."""
        return self.write(state)

    def read_line(self, text: str) -> Hashable | None:
        """What a line of a simulation claims of the state, in a form that can be compared.

        Two claims are equal if and only if they show the same; by default the text in lower case, blanks squeezed.

        Args:
            text: What stands where `line` would stand, in the wording of a model.

        Returns:
            The claim, never None for what `line` wrote; None if the text does not claim a whole state.
        """
        return " ".join(text.casefold().split()) or None

    def facts(self, state: S) -> Mapping[Hashable, Hashable]:
        """All that a text may say of a state in part: slot -> value; nothing by default."""
        return {}

    def goal_facts(self, problem: Problem[S, Q]) -> Mapping[Hashable, Hashable]:
        """The same of what is to be reached, in a world of plans."""
        return {}

    def asked_facts(self, problem: Problem[S, Q]) -> Mapping[Hashable, frozenset[Hashable]]:
        """What may be read off without simulating the steps: slot -> values that may be said of it; nothing by default."""
        return {}

    def sights(self, problem: Problem[S, Q]) -> frozenset[tuple[Hashable, ...]]:
        """What has to be said of the start where a problem is answered without steps, each by one of several slots."""
        return frozenset()

    def read_facts(self, text: str, conventions: Conventions) -> list[Fact]:
        """What a text says of a state, whole or in part, in any wording; nothing by default.

        Args:
            text: A line or a sentence in lower case, without Markdown marks; a drawn state has a line a row.
            conventions: How its trace writes colours and coordinates.
        """
        return []

    def whole(self, facts: Mapping[Hashable, Hashable]) -> Hashable | None:
        """The state that facts make up, as `read_line` reads it; None if they leave something open."""
        return None

    def read_moves(self, text: str) -> list[str]:
        """The actions that a text in lower case says are taken, in order: "rolls to the right"; none by default."""
        return []

    def cut(self, sentence: str) -> list[str]:
        """A sentence in pieces that each speak of one state; the sentence itself by default."""
        return [sentence]

    def is_row(self, line: str) -> bool:
        """Whether a line in lower case is one row of a state that is drawn over several lines."""
        return False

    def tells(self, changed: AbstractSet[Hashable], told: AbstractSet[Hashable]) -> bool:
        """Whether a text that tells some slots of a state tells the step to it, which changed some; one of them is enough."""
        return not changed.isdisjoint(told)

    def things(self) -> Mapping[str, frozenset[Hashable]]:
        """The names of parts of a state -> their slots, so that "front and back stay" can be replayed."""
        return {}

    def describe(self, state: S, *, pictured: bool) -> str:
        """The state in a prompt. If it is pictured as well, only what the picture cannot show."""
        return "as in the picture" if pictured else self.write(state)

    def see(self, scene: Scene) -> str:
        """All that the picture of a scene shows, in the form that `look` asks for; the start by default."""
        return self.write(scene.start)

    def shows_all(self, scene: Scene) -> bool:
        """Whether the picture shows all that `see` says of a scene."""
        return True

    def cells(self, state: S) -> Mapping[Hashable, Hashable]:
        """What a belief of a state is scored by, cell by cell: its facts, less those that follow from others."""
        return self.facts(state)

    def glimpse(self, state: S, radius: int) -> str | None:
        """The board as an agent on it sees it, `?` beyond a radius in cells; None in a world without an agent."""
        return None

    def rest(self, state: S) -> S:
        """A state in the middle of a walk as the start of a new one; the same unless a state holds its history."""
        return state

    def whereabouts(self, state: S) -> str:
        """What a prompt must add to `describe` before it can ask which actions are legal; nothing by default."""
        return ""

    def legality(self, state: S) -> str:
        """Which actions are legal and why the others are not, a line for each."""
        lines = []
        for action in self.actions:
            try:
                self.step(state, action)
                lines.append(f"{action}: legal")
            except IllegalAction as broken:
                lines.append(f"{action}: not legal, {broken}")
        return "\n".join(lines)

    def replay(self, start: S, actions: Sequence[str]) -> list[S]:
        """All states of a walk, the start included: `len(actions) + 1` of them."""
        states = [start]
        for action in actions:
            states.append(self.step(states[-1], action))
        return states

    def unroll(self, start: S, actions: Sequence[str]) -> str:
        """A simulation spelled out: the start, then each action with the state that it leads to."""
        states = self.replay(start, actions)
        lines = [f"Start: {self.line(start)}"]
        lines += [
            f"{i}. {action}: {self.line(state)}"
            for i, (action, state) in enumerate(zip(actions, states[1:], strict=True), 1)
        ]
        return "\n".join(lines)

    # --- problems --------------------------------------------------------------------------------------------

    @abstractmethod
    def pose(self, rng: Rng, difficulty: str) -> Problem[S, Q]:
        """A random problem in the benchmark's form."""

    def pose_in(self, rng: Rng, difficulty: str, split: str | None) -> Problem[S, Q]:
        """A random problem for a split; whoever asks looks whether it is of that split, so by default any problem is given."""
        return self.pose(rng, difficulty)

    @abstractmethod
    def size(self, problem: Problem[S, Q]) -> int:
        """The exact measure of difficulty (steps, moves, cubes, pushes or distance)."""

    def question(self, problem: Problem[S, Q], *, wording: str, described: bool) -> str:
        """The problem in words.

        Args:
            problem: The problem.
            wording: "long" explains the rules, as the benchmark does; "short" only says what is asked.
            described: Whether the text states what the picture shows (modes tqa and vtqa) or leaves it to
                the picture (mode vqa). What no picture shows is always stated.

        Raises:
            ValueError: The wording is unknown.
        """
        if wording not in WORDINGS:
            raise ValueError(f"unknown wording {wording!r}: use one of {', '.join(WORDINGS)}")
        return self._question(problem, short=wording == "short", described=described)

    @abstractmethod
    def _question(self, problem: Problem[S, Q], *, short: bool, described: bool) -> str:
        """The problem in words, for `question`."""

    @property
    @abstractmethod
    def answers(self) -> tuple[AnswerKind, ...]:
        """The kinds of answers that its problems ask for, before anything is asked."""

    @abstractmethod
    def answer(self, problem: Problem[S, Q]) -> AnswerKind:
        """The kind of answer that a problem asks for; it reads, writes, asks for and guesses answers."""

    def answer_kind(self, problem: Problem[S, Q]) -> str:
        """The name of that kind, as suites and results store it."""
        return self.answer(problem).kind

    @abstractmethod
    def truth(self, problem: Problem[S, Q]) -> Answer:
        """The true answer; for a planning world, one optimal plan."""

    @abstractmethod
    def judge(self, problem: Problem[S, Q], answer: Answer) -> Outcome:
        """Whether a parsed answer is right. A plan is replayed step by step."""

    def read_action(self, word: str) -> str | None:
        """The action that one word of a plan names, or None if it names none; by default the word itself."""
        return word if self.plans and word in self.actions else None

    @abstractmethod
    def solve(self, problem: Problem[S, Q]) -> tuple[str, ...]:
        """The actions to simulate: the given ones for a described task, a shortest plan for a planning task."""

    @abstractmethod
    def initial(self, problem: Problem[S, Q]) -> Answer:
        """The answer of somebody who imagines nothing: read off the start state, or an empty plan."""

    @abstractmethod
    def narrate(self, problem: Problem[S, Q]) -> str:
        """The solver's solution as reasoning, without the final answer line."""

    def asked(self, problem: Problem[S, Q]) -> str:
        """What is asked, without states and actions; the same for all problems that differ in those alone.

        By default the query, or nothing in a world of plans, whose query is the goal.
        """
        return "" if self.plans else " ".join(problem.query)

    def course(self, scene: Scene) -> tuple[S, tuple[str, ...]]:
        """The start of a scene and the actions from there: those of a walk, those that solve a problem."""
        return scene.start, scene.actions if isinstance(scene, Walk) else self.solve(scene)

    @abstractmethod
    def keys(self, scene: Scene) -> Keys:
        """What makes a scene the same scene again, whatever is asked about it; decides its split."""

    def images(self, problem: Problem[S, Q]) -> list[Problem[S, Q]]:
        """The problem under symmetries of its world, itself among them; itself alone by default.

        Each is as hard, has the same canonical key, and its right answers are those of the problem, carried along.
        """
        return [problem]

    def surroundings(self, problem: Problem[S, Q]) -> tuple[str, ...]:
        """The states, in the form of `Keys.states`, that no training walk may pass if this problem is published."""
        return ()

    def measure(self, scene: Scene) -> dict[str, int]:
        """The exact measures of difficulty (steps, cubes, pushes, distances), by name; the actions by default."""
        return {"actions": len(self.course(scene)[1])}

    def sizes(self, difficulty: str) -> range:
        """The sizes that belong to a difficulty.

        Raises:
            ValueError: The difficulty is unknown.
        """
        if difficulty not in self.bins:
            raise ValueError(f"unknown difficulty {difficulty!r}: use one of {', '.join(self.bins)}")
        return self.bins[difficulty]

    def difficulty(self, size: int) -> str:
        """The difficulty that a size belongs to.

        Raises:
            ValueError: The size is outside all bins.
        """
        for name, sizes in self.bins.items():
            if size in sizes:
                return name
        raise ValueError(f"{self.name}: size {size} is in none of the bins {dict(self.bins)}")

    # --- walks -----------------------------------------------------------------------------------------------

    @abstractmethod
    def wander(self, rng: Rng, difficulty: str) -> Walk[S]:
        """A random walk worth imagining, and a question about its end."""

    def imagine(self, walk: Walk[S]) -> str:
        """A walk spelled out: every state on the way, then how the answer is read off the last one."""
        return "\n".join(filter(None, (self.unroll(walk.start, walk.actions), walk.reading)))
