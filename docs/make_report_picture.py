"""Makes a demonstration report and its picture: `python docs/make_report_picture.py [--keep FOLDER]`.

Nobody was asked: the responses are made up from the solver's own narration, some of them spoiled in ways that models
spoil theirs. The page says so in its title. The picture needs Chromium and the package `playwright` (the extra `test`).
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from idf.backends import Response
from idf.evaluation import score_rows, write_report, write_results
from idf.suites import MODES, Item, SuiteRecipe, draw_items
from idf.worlds import WORLDS, Rng

OUT = Path(__file__).parent / "pictures" / "report.png"
NAME = "Demonstration: made-up responses, no model"
ITEMS = 12  # of each world and difficulty
SHARE_RIGHT = {"easy": 85, "medium": 60, "hard": 35}
MODE_PENALTY = {"vqa": 25, "tqa": 5, "vtqa": 0}


def made_up(item: Item, mode: str) -> Response:
    """A response that a model might give: right more often if the item is easy and described in words."""
    world, problem = WORLDS[item.problem.world], item.problem
    rng = Rng("demonstration", item.id, mode)
    lines = world.narrate(problem).splitlines()
    answer = f"Answer: {world.answer(problem).write(world.truth(problem))}"
    tokens = 40 + sum(len(line) for line in lines) // 3 + rng.below(60)
    if rng.below(100) < SHARE_RIGHT[problem.difficulty] - MODE_PENALTY[mode]:
        return Response("\n".join([*lines, answer]), 400, tokens, "stop")
    spoiled = rng.below(10)
    if spoiled == 0:
        return Response("\n".join([*lines[: len(lines) // 2], "so I think the answer is close"]), 400, tokens, "stop")
    if spoiled == 1:
        return Response("\n".join(lines[: len(lines) // 2]), 400, 2048, "length")
    if spoiled == 2:
        return Response("I am sorry, but I cannot see the picture.", 400, 12, "stop")
    steps = [at for at, line in enumerate(lines) if line.startswith("Start:" if spoiled < 5 else tuple("123456789"))]
    if steps:  # one state is told wrong: two of its words change places
        at = rng.choice(steps)
        head, _, state = lines[at].partition(": ")
        words = state.split(" ")
        lines[at] = f"{head}: {' '.join([*words[1:2], *words[:1], *words[2:]])}"
    if world.plans:
        plan = list(world.solve(problem))
        plan = plan[: len(plan) // 2] + plan[len(plan) // 2 + 1 :] if spoiled < 8 and len(plan) > 1 else plan[:-1]
        return Response("\n".join([*lines, "Answer: " + (" ".join(plan) or "none")]), 400, tokens, "stop")
    wrong = world.answer(problem).write(world.initial(problem))
    return Response("\n".join([*lines, f"Answer: {wrong}"]), 400, tokens, "stop")


def make_report(folder: Path) -> Path:
    """Write the results and the report of a made-up run."""
    items, _ = draw_items(SuiteRecipe(items=ITEMS))
    responses = {(item.id, mode, 0): made_up(item, mode) for mode in MODES for item in items}
    rows, _ = score_rows(items, MODES, responses)
    run = {
        "evaluated": NAME,
        "suite": "generated, seed 0",
        "items": len(items),
        "modes": list(MODES),
        "prompts": "idf-long-1",
    }
    results = write_results(rows, folder, run, items, MODES)
    return write_report(rows, results, folder, items)


def take_picture(report: Path, out: Path) -> None:
    """A picture of the first screen of a report, and of the browser of responses below it."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    shots = [out.with_suffix(".1.png"), out.with_suffix(".2.png")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(report.as_uri())
        page.screenshot(path=shots[0])
        page.set_viewport_size({"width": 1280, "height": 1230})
        page.goto(f"{report.as_uri()}#?world=wood_slide&outcome=illegal")
        page.wait_for_selector("html.js #item:not([aria-busy])")
        page.screenshot(path=shots[1])
        browser.close()
    pictures = [Image.open(shot).convert("RGB") for shot in shots]
    both = Image.new("RGB", (pictures[0].width, sum(picture.height for picture in pictures) + 12), "#888")
    top = 0
    for picture in pictures:
        both.paste(picture, (0, top))
        top += picture.height + 12
    both.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, optimize=True)
    for shot in shots:
        shot.unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="folder that keeps the report")
    kept = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as folder:
        take_picture(make_report(kept or Path(folder)), OUT)
    print(f"{OUT}: {OUT.stat().st_size / 1000:.0f} kB")
