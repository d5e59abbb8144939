"""From a response's text to a verdict. Pure: no torch, no files, no network."""

from ._beside_truth import Imagined, beside_truth, of_plan
from ._cases import chance_of_view, is_answerable, names_settling_view, stated_view
from ._claims import Reading, read_trace
from ._diagnose import CAUSES, FAR_OVER, Diagnosis, FirstWrong, diagnose, first_wrong_step
from ._heads import Claim
from ._parse import final_answer, parse_answer, write_answer
from ._proof import replay_claims
from ._replies import Belief, Unreadable, claims_state, read_move, score_belief
from ._reward import Reward, RewardRule, reward, start_answers
from ._score import ERRORS, Verdict, score
from ._steps import StepsRight, steps_right
from ._thinking import strip_thinking

__all__ = [
    "CAUSES",
    "ERRORS",
    "FAR_OVER",
    "Belief",
    "Claim",
    "Diagnosis",
    "FirstWrong",
    "Imagined",
    "Reading",
    "Reward",
    "RewardRule",
    "StepsRight",
    "Unreadable",
    "Verdict",
    "beside_truth",
    "chance_of_view",
    "claims_state",
    "diagnose",
    "final_answer",
    "first_wrong_step",
    "is_answerable",
    "names_settling_view",
    "of_plan",
    "parse_answer",
    "read_move",
    "read_trace",
    "replay_claims",
    "reward",
    "score",
    "score_belief",
    "start_answers",
    "stated_view",
    "steps_right",
    "strip_thinking",
    "write_answer",
]
