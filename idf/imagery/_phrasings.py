"""How an imagery prompt is put into words. Every phrasing here occurs in training data.

What is kept for evaluations alone are other wordings of the worlds' questions: see `idf.suites.HELD_OUT_PROMPTS`.
The first phrasing of each kind is the plainest; recipes can ask for fewer than all. In mode "vqa" a start may read "as in
the picture", and a list of actions may read "none": every phrasing must be good English with these, too.
"""

from __future__ import annotations

VERSION = 2
"""Raise it when the same recipe would give other prompts or answers about the same scenes; stands in `dataset.json`."""

PHRASINGS = {
    "rollout": (
        "Start: {start}\nActions: {actions}\n{question}",
        "Starting state: {start}\nActions, one after the other: {actions}\n{question}",
        "Initial state: {start}\nActions, in order: {actions}\nGo through them step by step. {question}",
        "Simulate the following.\nState: {start}\nSteps: {actions}\n{question}",
        "Imagine what happens here.\nState at the beginning: {start}\nActions, taken in turn: {actions}\n{question}",
    ),
    "step": (
        "Start: {start}\nAction: {actions}\nWhat is the state after the action?",
        "State: {start}\nThe next action is {actions}. Which state does it lead to?",
        "Imagine a single step.\nState: {start}\nStep: {actions}\nWrite down the state that follows.",
        "Initial state: {start}\nWhat does the state look like after the action {actions}?",
    ),
    "inverse": (
        "Before: {start}\nAfter: {end}\nWhich action leads from one to the other?",
        "State: {start}\nState one action later: {end}\nWhich action was taken?",
        "A single action was taken.\nState before it: {start}\nState after it: {end}\nName the action.",
        "Initial state: {start}\nNext state: {end}\nFind the action that leads from the first state to the second.",
    ),
    "legality": (
        "Start: {start}\nActions so far: {actions}\nWhich actions are legal now?",
        "State: {start}\nActions already taken: {actions}\nWhat can be done next? Name every legal action.",
        "Starting state: {start}\nActions taken from there: {actions}\nWhich actions break no rule at this point?",
        "Initial state: {start}\nSteps taken: {actions}\nList all actions that are possible at this point.",
    ),
    "reading": (
        "What does the picture show? {look}",
        "Read the state off the picture. {look}",
        "Describe the state in the picture. {look}",
        "Look closely at the picture. {look}",
    ),
    "masked": (
        "Fill in what is missing (marked with ?).\nStart: {start}\n{gapped}",
        "A part of this simulation is missing (marked with ?). Restore it.\nStart: {start}\n{gapped}",
        "Start: {start}\n{gapped}\nWhat belongs in place of each question mark?",
        "Here is a simulation with a gap.\nStart: {start}\n{gapped}\nFill the gap.",
    ),
    "goal": (
        "{question}",
        "Plan ahead. {question}",
        "{question} Use as few moves as possible.",
        "Think before you move. {question}",
    ),
    "partial": (
        "{question}",
        "Not all of the scene is shown. {question}",
        "{question} Go through the cases that agree with what is shown.",
        "Find out first whether what is shown is enough. {question}",
    ),
}
"""Kind -> templates of its prompt, for what is simulated."""

_SCENE = (
    "Scene: {start}\n{question}",
    "Imagine this scene.\nState: {start}\n{question}",
    "{question}\nState: {start}",
    "Initial state: {start}\nThink before you answer. {question}",
)
BASIC_PHRASINGS = {
    **dict.fromkeys(("where", "direction", "distance", "compare", "perspective"), _SCENE),
    "relations": (
        "{relations}\n{question}",
        "Read these relations.\n{relations}\n{question}",
        "{question}\nThis is known: {relations}",
        "Imagine how these things stand. {relations}\n{question}",
    ),
}
"""Kind -> templates of its prompt, for basic skills."""

NOTHING = "none"  # what stands for an empty list of actions
