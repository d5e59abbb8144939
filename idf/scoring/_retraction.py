"""What stands below a stated answer: whether it takes the answer back, contradicts it, or corrects it."""

from __future__ import annotations

import re
from typing import Any

from idf.answers import IS_ITEM, AnswerKind, tidy

_NOT = r"(?<!\bno )(?<!\bnot )(?<!n't )(?<!\bnever )(?<!\bwithout )(?<!\bany )(?<!\bnothing )(?<!\bnot a )"
# A sentence with one of these takes back what was stated before
_TAKES_BACK = re.compile(
    r"^[\s*_#>(\[-]*(?:no|nope|nah)\b ?[,.!:;—–-]|^[\s*_#>(\[-]*no[,]? (?:wait|sorry|hold on|that|this)\b|\bwait\b|\bhold on\b|\bhang on\b|"
    r"\b(?:scratch|strike|cancel) that\b|\bon (?:second|further) (?:thought|reflection|look)|^[\s*_#>(\[-]*(?:hmm+|h+m|oops|whoops|uh|argh|ugh)\b"
    r"|\b(?:correction|erratum|errata)\b|^[\s*_#>(\[-]*(?:edit|update)\b ?[:—–-]"
    r"|\bmy (?:mistake|bad|error|apologies)\b|\bapologi[sz]e\b|^[\s*_#>(\[-]*(?:i am |i'm )?(?:so |very )?sorry\b(?! for the (?:length|delay|long))"
    r"|\b(?:i|we)(?: have|'ve| had)?(?: just)? (?:mis\w{3,}|confused|mixed|swapped|forgot|overlooked|messed|retract|withdraw|take (?:that|it|this) back|"
    r"meant|stand corrected|(?:was|were|am) wrong|erred|need to (?:revise|correct|change|redo|reconsider)|must (?:revise|correct)|(?:made|see|found|notice[d]?) "
    r"(?:an?|my|some|the) (?:\w+ ){0,2}(?:mistake|error|slip|miscalculation))"
    r"|\b(?:i|we) (?:rolled|turned|moved|counted|read|applied|took|did|used|tracked) .{0,40}\b(?:wrong|backwards?|twice|incorrectly)\b"
    rf"|{_NOT}\b(?:wrong|incorrect|mistaken|invalid|illegal|erroneous|infeasible|contradicts?|contradiction|inconsistent|mistake|miscounted|"
    r"impossible|unreachable|flawed|ruled out)\b"
    r"|\b(?:cannot|can't|can not|isn't|is not|wasn't|not|n't|could not) (?:(?:quite|be|seem|actually|to|possibly|seems?|look|a) ){0,3}(?:right|correct|valid|legal|"
    r"possible|work|true|allowed|solve[sd]?|permitted|the answer|reach(?:es)?|hold|what)\b"
    rf"|{_NOT}\b(?:fail|fails|failed)\b|\b(?:ignore|disregard|discard|forget|scrap) (?:that|the|this|my|what|all|everything)\b"
    r"|\b(?:let me|let's|i will|i'll|i need to|i should) (?:re-?do|re-?try|reconsider|rethink|start (?:over|again)|try again|try once|correct|fix|revise|think again)\b"
    r"|\bjust kidding\b|\bkidding\b|\bor (?:maybe|perhaps|not|rather|possibly)\b|\bmaybe not\b|\bto be corrected\b|\bnot (?:the|my) (?:final )?answer\b"
    r"|\bchang(?:e|ed|ing) my (?:mind|answer)\b|\b(?:move|step) \d+ (?:is|was|would be) (?:blocked|impossible)\b|\bis ruled out\b|[❌✗✘🚫]"
    r"|\b(?:ignores?|overlooks?|forgets?|neglects?|neglected) (?:the|that|a)\b"
    r"|等等|等一下|不对|错了|出错|有误|更正|修正|纠正|抱歉|对不起|搞错|弄错|算错|其实|实际上应|重新(?:考虑|计算|来)|改为|不正确|行不通|不成立|失败|忽略(?:上|之)"
)
# With one of these a sentence takes it back if it names another value
_TURNS = re.compile(
    r"\b(?:actually|instead|rather|alternatively|could|might|should have been|should be|must be|maybe|perhaps|possibly|in fact|in reality|"
    r"revised?|corrected|updated|new|true|real)\b|^[\s*_>(\[]*(?:and|plus|also|or|but)\b|应该是|或"
)
# What may stand before a corrected value: discourse, a label, an arrow
_LEAD = re.compile(
    r"^(?:[\s*_#>(\[–—=:,.✅👉-]|->|=>|→|⇒|➡|(?:so|thus|therefore|hence|then|and|but|wait|no|nope|actually|oh|sorry|hmm+|ok|okay|oops|right|well|now|yes|"
    r"in fact|in reality|instead|rather|really|alternatively|i (?:meant|mean)|that means|this means|which means|which makes|which gives|meaning|"
    r"(?:i made a|my) (?:mistake|error)|my bad|correction|corrected|edit|update|updated|revised|revision|final|finally|new|true|real|right|correct|result|"
    r"the|my|answer|final|solution|plan|moves?|value|colou?r|count|number|it|that|this|is|was|be|should|must|would|will|have|been|then|"
    r"修正后|修正|更正|纠正|应该是|应为|改为|正确|答案|是|为|其实|实际上|所以|因此)(?![a-z])[ ,.:;!：，—–-]{0,4})*"
)
# A label below which working stands: what it names on the way is no statement
_EXPLAINS = re.compile(
    r"^[\s*_#>(-]*(?:explanation|reasoning|reason|verification|verifying|verify|let me|let us|let's|check|checking|because|since|proof|working|steps?|trace|"
    r"tracing|justification|why|note|notes|details|simulation|breakdown|here is|here's|how|solution steps|detailed|step-by-step|analysis|summary of|"
    r"解释|说明|验证|理由|原因|过程|步骤)(?![a-z])"
)
_LEGEND = re.compile(r"^\W*(?:where |here |legend:? )?[a-z](?:\W{1,3})(?:=|:|means|is|stands for)\W|^\(")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[。！？；])|(?<=;)\s+")
_LONGEST = 300


def settle(asked: AnswerKind, answer: Any | None, below: str) -> Any | None:
    """The answer that still stands after everything below it.

    Args:
        asked: What is asked.
        answer: What was read last; None if what was stated could not be read.
        below: Everything below that statement; no statement of a form of its own is in it.

    Returns:
        The answer, the correction of it if there is one that can be read, None if it is taken back or contradicted.
    """
    standing, open_for_more, label, working = answer, False, False, False
    for sentence in _SENTENCE_END.split(below):
        said = sentence.strip()
        if not said:
            continue
        if len(said) > _LONGEST:
            if _TAKES_BACK.search(said.lower()):
                standing, open_for_more = None, True
            continue
        text = tidy(said)
        takes_back = bool(_TAKES_BACK.search(said.lower()))
        value, led = _value_of(asked, said, text)
        working = working or bool(_EXPLAINS.match(text))
        alone = not working and not IS_ITEM.match(said) and not _LEGEND.match(text) and asked.names_value_alone(text)
        if value is not None and not (takes_back or open_for_more or label or alone or (led and _TURNS.search(text))):
            value = None  # part of an explanation
        if takes_back:
            standing, open_for_more = (value, True) if value is not None and led else (None, True)
        elif value is not None and open_for_more:
            standing = value
        elif value is not None and not asked.same(value, standing):
            standing = value if label or (led and _TURNS.search(text)) else None  # else it only contradicts
        elif value is None and _TURNS.search(text) and not working and _another(asked, standing, text):
            standing, open_for_more = None, True
        label = said.endswith((":", "：")) and bool(_TURNS.search(text))
        if label:
            standing, open_for_more = None, True
    return standing


def _value_of(asked: AnswerKind, said: str, text: str) -> tuple[Any | None, bool]:
    """The value that a sentence states, and whether something leads up to it: "Actually, it is green"."""
    if not asked.may_be_bare(text):
        return None, False
    lead = _LEAD.match(said.lower())
    begin = lead.end() if lead else 0
    rest = said[begin:].strip(" *_)]")
    value = asked.read(rest) if rest and begin else None
    if value is not None:
        return value, True
    clauses = re.split(r"[;,:] |—|–| - ", said)
    if len(clauses) > 1 and (value := asked.read(_LEAD.sub("", clauses[-1].lower()))) is not None:
        return value, bool(_TAKES_BACK.search(said.lower()) or _TURNS.search(text))
    return asked.read(said), False


def _another(asked: AnswerKind, standing: Any | None, text: str) -> bool:
    """Whether a sentence names a value other than the one that stands."""
    return standing is None or asked.names_another(text, standing)
