"""The text of a stated answer in plain words: less Markdown and LaTeX, JSON as a list, Chinese words in English."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

LONGEST = 20_000
"""Characters of a stated answer that are read; a longer one states nothing."""

_AGAIN = re.compile(r"\s*(?:the )?(?:final )?answer(?: is)? ?[:=] ?")

# Curly quotes are quotes, a typographer's minus is a minus; a sign that only asks for a coloured picture is nothing
_SIGNS = str.maketrans({"\u2212": "-", "\ufe0f": "", **dict.fromkeys("“”„", '"'), **dict.fromkeys("‘’", "'")})
_STYLED = "(?:text|textbf|textit|mathrm|mathbf|mathit|mathsf|operatorname|boxed|fbox)"
_LATEX = (
    (re.compile(rf"\\{_STYLED}\s?\{{([^{{}}]{{0,2000}})\}}"), r" \1 "),
    (re.compile(rf"\\{_STYLED}\s?(?=\{{)"), " "),
    (re.compile(r"\\(?:textcolor|color|colorbox)\s?\{[a-zA-Z]{1,20}\}"), " "),
    (
        re.compile(
            r"\\(?:long|Long|x|hook)?(?:right|Right)arrow|\\(?:to|mapsto|longmapsto|implies|leadsto|Longrightarrow)\b"
        ),
        " -> ",
    ),
    (re.compile(r"\\(?:uparrow|Uparrow)\b"), " ↑ "),
    (re.compile(r"\\(?:downarrow|Downarrow)\b"), " ↓ "),
    (re.compile(r"\\(?:leftarrow|Leftarrow)\b"), " ← "),
    (re.compile(r"\\(?:times|cdot)\b"), " x "),
    (re.compile(r"\\(?:frac|dfrac|tfrac)\{(\d{1,3})\}\{(\d{1,3})\}"), r" \1/\2 "),
    (re.compile(r"\\(?:d|c)?frac"), " frac "),
    (re.compile(r"\\(?:begin|end)\{[a-z]{1,20}\*?\}"), " "),
    (re.compile(r"\\(?:quad|qquad|,|;|:|!|\\|\(|\)|\[|\]| )|\$"), " "),
    (re.compile(r"\\([{}_%#&])"), r"\1"),
)
_HTML = re.compile(r"</?(?:b|i|u|em|strong|code|br|p|span|mark|big|center|sub|sup) ?/?>", re.IGNORECASE)
_ANY_CJK = re.compile(r"[\u3000-\u303f\u3400-\u9fff]")
_CHINESE = tuple(
    (re.compile(pattern), f" {word} ")
    for pattern, word in (
        (r"前(?=视)", "front"),
        (r"后(?=视)", "back"),
        (
            r"完成(?:移动|滚动|旋转|转动|操作|所有操作|这些操作)?后|(?:之后|以后|滚动后|旋转后|转动后|操作后|移动后|"
            r"完成后)",
            "after all",
        ),
        (r"(?:之前|以前)", "before"),
        (r"原来|原本|最初|起初|一开始|初始", "it was originally"),
        (r"被?(?:遮挡|挡住|遮住|隐藏)(?:住|了)?|看不(?:见|到)|不可见", "hidden"),
        (r"经过|按照?|沿着?", "after all"),
        (r"最后|最终", "final"),
        (r"路径|路线", "path"),
        (r"给定|所示|图示|图中", "given"),
        (r"视图", "view"),
        (r"方向", " "),
        (r"(?:前|正)(?:面|方|侧)", "front"),
        (r"(?:后|背)(?:面|方|侧)", "back"),
        (r"顶(?:面|部|端)?", "top"),
        (r"底(?:面|部|端)?", "bottom"),
        (r"中(?:间|心|央)", "middle"),
        (r"(?<=[左右上下])中|中(?=[左右上下])", "middle"),
        (r"因此|所以|综上|故|那么", "so"),
        (r"滚动|旋转|转动", "rolling"),
        (r"格子|小格|方格|色块|贴纸|小方块|小块", "squares"),
        (r"应该?是|应为", "is"),
        (r"数量|个数|数目|块数", "number"),
        (r"顺时针|逆时针", "turn"),  # no world's plan turns: never read over
        (r"总共|一共|共计|总计|合计|总数|共", "total"),
        (r"不是|没有|并非|不可能|不能|无法|不确定|非", "not"),
        (r"或者|或是|或|还是", "or"),
        (r"可能|也许|大概|大约|约", "maybe"),
        (r"红色?", "red"),
        (r"黄色?", "yellow"),
        (r"蓝色?", "blue"),
        (r"绿色?", "green"),
        (r"灰色?", "gray"),
        (r"黑色?", "black"),
        (r"橙色?|橘色?", "orange"),
        (r"十一", "11"),
        (r"十二", "12"),
        (r"十三", "13"),
        (r"零", "0"),
        (r"一", "1"),
        (r"二|两", "2"),
        (r"三", "3"),
        (r"四", "4"),
        (r"五", "5"),
        (r"六", "6"),
        (r"七", "7"),
        (r"八", "8"),
        (r"九", "9"),
        (r"十", "10"),
        (r"(?:向|往)?上(?:方|边|面)?", "up"),
        (r"(?:向|往)?下(?:方|边|面)?", "down"),
        (r"(?:向|往)?左(?:方|边|面|侧)?", "left"),
        (r"(?:向|往)?右(?:方|边|面|侧)?", "right"),
        (r"次", "times"),
        (r"格|步", "steps"),
        (r"(?:方块|滑块|木块|积木|块)(?=\s?\d)", "block"),
        (r"号(?:方块|滑块|木块|积木|块)?", "block"),
        (r"立方体|方块|小块|块", "cubes"),
        (r"移动|移|滑动|滑|推动|推|走|然后|接着|再|首先|先", "move"),
        (
            r"可见|看到|看见|看|能|可以|的|个|是|为|有|和|与|面|颜色|色|其中|从|视角|答案|箱子|玩家|把|将|了|位置|处|该|这个|显示|呈现|变成|会|所有|全部|在|朝|上述",
            " ",
        ),
        (r"[、。]", ","),
    )
)


def tidy(text: str) -> str:
    """A stated answer in lower case and plain characters; its lines stay lines.

    What it does not know it leaves as it is, so that nobody reads over it.
    """
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    if "\\" in text or "$" in text:
        for pattern, instead in _LATEX:
            text = pattern.sub(instead, text)
    if "<" in text:
        text = _HTML.sub(" ", text)
    if _ANY_CJK.search(text):
        for pattern, instead in _CHINESE:
            text = pattern.sub(instead, text)
    text = re.sub(r"(?<=\d) \* (?=\d)", "*", text)
    text = re.sub(r"```[a-z]{0,12}|[_`#]|(?<!\d)\*|\*(?!\d)|^[ \t]*[>•▪●]+", " ", text.lower(), flags=re.MULTILINE)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def as_stated(text: str) -> str | None:
    """A stated answer as tidy text, less another "answer:" at its beginning; None if it cannot be one answer."""
    if len(text) > LONGEST:
        return None
    text = tidy(text)
    if again := _AGAIN.match(text):
        text = text[again.end() :]
    return None if re.search(r"\banswer ?[:=]", text) else text  # two answers in one


def json_value(text: str, at: int) -> tuple[str, int] | None:
    """The JSON value (or Python literal in single quotes) that begins at a place, as plain text, and where it ends."""
    end = min(len(text), at + LONGEST)
    piece = text[at:end]
    try:
        value, used = json.JSONDecoder().raw_decode(piece)
    except (ValueError, RecursionError):
        if "'" not in piece[:400]:
            return None
        # Swapping quotes reads ['u', 'l'] and {'red': 2}; a text with both kinds of quotes stays unread.
        try:
            value, used = json.JSONDecoder().raw_decode(piece.replace("'", '"'))
        except (ValueError, RecursionError):
            return None
    return _flat(value), at + used


def unwrapped(text: str) -> str:
    """The text without a code fence around it, and without JSON if it is one value and nothing else."""
    text = re.sub(r"^```[a-zA-Z]{0,12}\n|\n?```$", "", text.strip()).strip()
    value = json_value(text, 0) if text[:1] in ("[", "{") else None
    return value[0] if value and not text[value[1] :].strip() else text


def _flat(value: Any) -> str:
    """A JSON value as one would write it without JSON: entries with commas between, keys before colons."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flat(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        # An entry that is a list itself is one move: (3, up)
        return ", ".join(f"({_flat(entry)})" if isinstance(entry, list | dict) else _flat(entry) for entry in value)
    return value if isinstance(value, str) else json.dumps(value)
