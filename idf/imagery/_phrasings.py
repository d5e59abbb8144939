"""How an imagery prompt is put into words. Every phrasing occurs in training data; none is kept for evaluations alone.

The first of each kind is the plainest; recipes can ask for fewer than all.
"""

from __future__ import annotations

PHRASINGS = {
    "rollout": (
        "Start: {start}\nActions: {actions}\n{question}",
        "From this state: {start}\ndo, one after the other: {actions}\n{question}",
        "Initial state: {start}\nThen: {actions}\nGo through it step by step. {question}",
        "Simulate.\nState: {start}\nSteps: {actions}\n{question}",
        "Here is a state: {start}\nImagine what happens when these are done in turn: {actions}\n{question}",
    ),
    "step": (
        "Start: {start}\nAction: {actions}\nWhat is the state after it?",
        "State: {start}\nDo {actions}. What comes out?",
        "Imagine one step from here: {start}\nThe step is {actions}. Write down the state that follows.",
        "Initial state: {start}\nAfter {actions}, what does it look like?",
    ),
    "inverse": (
        "Before: {start}\nAfter: {end}\nWhich action leads from one to the other?",
        "State: {start}\nOne action later: {end}\nWhich action was it?",
        "Something was done here: {start}\nNow it is: {end}\nName the one action.",
        "Initial state: {start}\nNext state: {end}\nFind the action between them.",
    ),
    "legality": (
        "Start: {start}\nActions so far: {actions}\nWhich actions are legal now?",
        "State: {start}\nDone so far: {actions}\nWhat can be done next? Name every legal action.",
        "From this state: {start}\nafter {actions}, which actions break no rule?",
        "Initial state: {start}\nSteps taken: {actions}\nList all actions that are possible at this point.",
    ),
    "reading": (
        "What does the picture show? {look}",
        "Read the picture. {look}",
        "Describe the state in the picture. {look}",
        "Look closely before anything else. {look}",
    ),
    "masked": (
        "Fill in what is missing, marked ?:\nStart: {start}\n{gapped}",
        "Some states of this simulation are lost (?). Restore them.\nStart: {start}\n{gapped}",
        "Start: {start}\n{gapped}\nWhich states belong where there is a question mark?",
        "A simulation with a gap:\nStart: {start}\n{gapped}\nClose the gap.",
    ),
    "goal": (
        "{question}",
        "Plan ahead. {question}",
        "{question} Find a shortest way.",
        "Think before you move. {question}",
    ),
    "partial": (
        "{question}",
        "Not all of the scene is shown. {question}",
        "{question} Go through the cases that agree with what is shown.",
        "Find out first whether what is shown is enough. {question}",
    ),
}
"""Kind -> templates of its prompt."""

NOTHING = "none"  # what stands for an empty list of actions
