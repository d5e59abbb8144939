"""A second set of responses in the manner of real models, written after the parser was mended on the first."""

from __future__ import annotations

from .expecting import REFUSED, UNPARSED, Case

DRR = ["d", "r", "r"]
THREE_FIVE = ["3d", "5r"]
TWO_ONE = {"red": 2, "blue": 1}

ROLLS: list[Case] = [
    (
        "Rolling right, the left face (blue) becomes the top. Rolling front, the back face (red) does.\n\nThe top face is red.",
        UNPARSED,
    ),
    ("Rolling...\n\n**The final answer is red.**", "red"),
    ("**Final answer:** The top face shows **red**.", "red"),
    ("## Solution\n\n1. right: top = blue\n2. front: top = red\n\n**Answer: red**", "red"),
    ("Answer: The top face is red. (The front face is blue.)", "red"),
    ("Answer:  red  \n\n", "red"),
    ("Step 2 gives red on top.\n\nHence the answer: red", "red"),
    ("Hence, the answer is **red**.", "red"),
    ("This means that the answer must be red.", "red"),
    ("The answer I get is red.", UNPARSED),
    ("Answer : **Red** ✅", "red"),
    ("answer is red", "red"),
    ("The answer would be red if the cube rolled to the front.", UNPARSED),
    ("I conclude that the top face is red.\n\n**red**", "red"),
    ("Finally, the top face of the cube is red.", "red"),
    ("After completing all the rolls, the top face of the cube is **red**.", "red"),
    ("\\boxed{\\textcolor{red}{red}}", "red"),
    ("\\boxed{\\color{red}red}", "red"),
    ("$\\boxed{\\text{Red}}$ is the color of the top face.", "red"),
    ("<answer> red </answer>\n<think>done</think>", "red"),
    ('Answer: "Red" (the back face at the beginning)', "red"),
    ("Answer: It's red.", "red"),
    ("Answer: it's not blue, it's red", UNPARSED),
    ("Let me think step by step.\nAnswer: red\nConfidence: 90%", "red"),
    (
        "**Answer:** Red\n\n**Reasoning:** The answer is found by rolling the cube; the blue face ends at the front.",
        "red",
    ),
    ("Sorry, I made a mistake. The correct answer is red.", "red"),
    ("Final Answer: The final answer is red", "red"),
    ("The final answer is $red$. I hope it is correct.", "red"),
    ("Final Answer: The final answer is $\\boxed{red}$. I hope it is correct.", "red"),
    ("I don't know.", UNPARSED),
    ("I can not see any image here. Could you describe the cube?", REFUSED),
    ("As a text-based model I'm unable to see images.", REFUSED),
]
SEEN: list[Case] = [
    ("Answer: Three cubes are visible: 2 red cubes and 1 blue cube.", TWO_ONE),
    (
        "Answer: I can see 3 fully visible cubes from the front viewpoint. They are 2 red cubes and 1 blue cube.",
        TWO_ONE,
    ),
    ("From the front, 3 cubes are fully visible: two are red and one is blue.", TWO_ONE),
    ("Answer: 3 cubes, of which 2 are red and 1 is blue.", TWO_ONE),
    ("**Answer:** 3 cubes total: 2 red, 1 blue", TWO_ONE),
    ("Answer: red: 2, blue: 1, total: 3", TWO_ONE),
    ("Answer: 3 cubes: 2 red, 1 blue (1 green hidden)", TWO_ONE),
    ("Answer: (2 red, 1 blue)", TWO_ONE),
    ("Answer: red 2 blue 1", TWO_ONE),
    ("Answer: 2 Red, 1 Blue.", TWO_ONE),
    ("The answer is: 3 cubes: red 2, blue 1", TWO_ONE),
    ("Answer: 3 cubes; colours: red (2), blue (1)", TWO_ONE),
]
PUSHES: list[Case] = [
    ("Answer: d r r\nAnswer: d r r\n", DRR),
    ("**Final sequence**: d → r → r", DRR),
    ("Answer: `d` `r` `r`", DRR),
    ("Answer: d|r|r", DRR),
    ('Answer: "d", "r", "r"', DRR),
    ("Answer: Down x1, Right x2", DRR),
    ("Answer: D1 R2", DRR),
    ("Answer: D, R×2", DRR),
    ("Answer: down, right (2 times)", DRR),
    ("Answer: down, right (x2)", DRR),
    ("Answer: First move down, then right, and finally right.", DRR),
    ("Answer: ⬇️ ➡️ ➡️", DRR),
    ("Answer: ↓ → →", UNPARSED),
    ("The correct sequence is: d, r, r", DRR),
    ("Thus, the final moves are: d, r, r.", DRR),
    ("Moves: d r r\nAnswer: d r r", DRR),
    ("Answer: the box cannot reach the target", UNPARSED),
    ("Answer: d r r (pushes: 2)", UNPARSED),
    ('{"moves": "d r r"}', DRR),
    ("Answer: {'moves': ['d','r','r']}", DRR),
    ("Answer: d, r, r,", DRR),
    ("Answer: [d r r]", DRR),
    ("Answer: d. r. r.", DRR),
    ("Answer: d\nr\nr", UNPARSED),
]
SLIDES: list[Case] = [
    ("Answer: Block 3: down; Block 5: right", THREE_FIVE),
    ("Answer: 3↓ 5→", UNPARSED),
    ("Answer: 3 (down), 5 (right)", THREE_FIVE),
    ("Answer: Block 3 moves down, Block 5 moves right.", THREE_FIVE),
    ("Answer: Slide 3 down. Slide 5 right.", THREE_FIVE),
    ("Answer: 3d,5r.", THREE_FIVE),
    ("Answer: ['3d','5r']  # two moves", UNPARSED),
    ("Answer: (3,d) (5,r)", THREE_FIVE),
    ("Answer: 3D → 5R", THREE_FIVE),
    ("Answer: 3d / 5r", UNPARSED),
    ("Answer: 1) 3d 2) 5r", THREE_FIVE),
    ("Answer: Move 1: 3d, Move 2: 5r", THREE_FIVE),
    ("Answer: [('3','d'),('5','r')]", THREE_FIVE),
    ("Answer: [(3, 'd'), (5, 'r')]", THREE_FIVE),
    ("Answer: 3d - 5r", THREE_FIVE),
]
GROUPS = {"roll again": ROLLS, "see again": SEEN, "push again": PUSHES, "slide again": SLIDES}
