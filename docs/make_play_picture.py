"""Makes the picture of `idf play`: `python docs/make_play_picture.py`. It needs Chromium and `playwright` (the extra `test`)."""

import shutil
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from idf.play import try_worlds

OUT = Path(__file__).parent / "pictures" / "play.png"
SCENE = {"world": "moving_box", "difficulty": "medium", "seed": 0, "index": 0}


def address() -> str:
    """The address of the page, served in this process as long as it lives."""
    told, said = threading.Event(), []

    def say(text: str) -> None:
        said.append(text)
        told.set()

    threading.Thread(target=try_worlds, kwargs={**SCENE, "port": 0, "browse": False, "say": say}, daemon=True).start()
    told.wait()
    return said[0].split()[1]


def take_picture(out: Path) -> None:
    """A picture of a scene after two of the solver's moves, with the third one shown."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(address())
        for keys in ("", "hm", "hm", "h"):
            for key in keys:
                page.keyboard.press(key)
                page.locator("#hinted:enabled" if key == "h" else "#hinted:disabled").wait_for()
            page.locator("#state:not(:empty)").wait_for()
        page.screenshot(path=out)
        browser.close()
    picture = Image.open(out).convert("RGB")
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, optimize=True)


if __name__ == "__main__":
    take_picture(OUT)
    print(f"{OUT}: {OUT.stat().st_size / 1000:.0f} kB")
