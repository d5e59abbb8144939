"""Responses that decline to answer."""

from __future__ import annotations

import re

_CANNOT = (
    r"(?:can(?:no|['\u2019])t|can not|could(?: not|n['\u2019]t)|(?:am|are|was|['\u2019]m|['\u2019]re) (?:not able|unable) to"
    r"|(?:do not|don['\u2019]t) have (?:the (?:ability|capability) to|access to|any))"
)
_DO = (
    r"(?:see|view|access|open|process|analy[sz]e|interpret|perceive|read|look at|help|assist|answer|provide|comply|determine"
    r"|solve|complete|fulfil+|identify|give|tell|visuali[sz]e|display|images?|pictures?|make out|be determined)"
)
_REFUSAL = re.compile(
    rf"\b(?:i|we)(?: am| are)? ?{_CANNOT} (?:\w{{1,12}}ly )?(?:the |an? |any |this |that )?{_DO}\b"
    rf"|\b(?:answer|colou?r|solution|question|it|this) {_CANNOT} be (?:determined|answered|seen|given|solved)\b"
    r"|\b(?:sorry|apologi[sz]e)\b[^.\n]{0,60}\b(?:can(?:no|['\u2019])t|unable|not able|but i)\b"
    r"|\bas an ai\b[^.\n]{0,60}\b(?:can(?:no|['\u2019])t|unable|not able|don['\u2019]t|do not)\b"
    r"|\b(?:no|without (?:an|the|any)) (?:image|picture)s? (?:\w{1,10} ){0,3}(?:provided|attached|included|visible|shown|given)\b"
    r"|\b(?:image|picture) (?:is not|isn['\u2019]t|was not|wasn['\u2019]t|cannot be|did not) (?:\w{1,10} ){0,2}"
    r"(?:provided|attached|included|visible|shown|load|loaded|displayed|seen|opened)\b"
    r"|\bneed (?:to see )?(?:the|an|your) (?:image|picture)\b|\bplease (?:re-?)?upload\b"
    r"|\bplease (?:\w{1,10} ){0,2}(?:provide|upload|share|attach|send) (?:the|an|your|a clearer) (?:image|picture)\b"
    r"|(?:抱歉|对不起|很遗憾)[^。\n]{0,30}(?:无法|不能|没有)|我?(?:无法|不能)(?:直接)?(?:看到|查看|回答|确定|识别|提供|访问|解决|处理)"
    r"|请(?:您)?(?:重新)?(?:提供|上传|分享)(?:\w{0,4})?图",
    re.IGNORECASE,
)
_WITHIN = 20_000  # characters at each end


def refuses(text: str) -> bool:
    """Whether a text without an answer declines to give one: "I cannot see the image", "I'm sorry, but I can't ..."."""
    return bool(_REFUSAL.search(text[:_WITHIN]) or _REFUSAL.search(text[-_WITHIN:]))
