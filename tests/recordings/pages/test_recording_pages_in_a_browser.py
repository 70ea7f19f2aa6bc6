"""The pages in a real browser: they draw, answer keys and pointer, fit a phone and paper, and ask for nothing."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import List

import pytest
from browser_pipe import CHROMIUM, Browser
from made_recordings import Part, write_recording, write_tables

from fer_edge.recordings.pages import write_index, write_recording_page
from fer_edge.recordings.pages.film_strip import Thumbnail

cv2 = pytest.importorskip("cv2")
np = pytest.importorskip("numpy")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]

DRAWN = "document.body && document.body.dataset.drawn === 'yes'"
READOUT = "document.getElementById('readout').textContent"
EVIL = "<img src=x onerror=document.body.dataset.evil=1>.mp4"
PARTS: List[Part] = [(1, "neutral", 0, 10), (1, "happy", 10, 20), (2, "sad", 5, 20)]


def press(browser: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key)


def filled(browser: Browser, selector: str) -> bool:
    """Return whether the shapes of a selector have their pattern, and lie where something can be seen."""
    return bool(
        browser.value(
            f"[...document.querySelectorAll('{selector}')].every((one) => one.getBoundingClientRect().width > 1"
            " && document.querySelector(getComputedStyle(one).fill.match(/#[a-z-]+/)[0]) !== null)"
        )
    )


def test_the_page_of_a_recording_draws_answers_fits_and_asks_for_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = write_recording(out, EVIL, PARTS, 20.0)
    jpeg = bytes(cv2.imencode(".jpg", np.full((108, 192, 3), 128, np.uint8))[1])
    strip = [Thumbnail(20 / 12 * (number + 0.5), jpeg, 192, 108) for number in range(12)]
    page = write_recording_page(made.folder, out, strip=strip)
    with Browser(tmp_path) as browser:
        browser.open(page.as_uri())
        browser.wait(DRAWN)
        assert browser.value("document.querySelectorAll('.timeline path').length") == 3
        assert filled(browser, ".timeline path, .stacked path, svg.shares rect")
        browser.wait("[...document.images].every((one) => one.complete && one.naturalWidth === 192)")

        browser.value("document.getElementById('overtime').focus()")
        press(browser, "End")
        assert browser.value(READOUT) == "0:19.8 · 2.0 in view · #1 happy, #2 sad · valence +0.05"
        press(browser, "Home")
        assert browser.value(READOUT) == "0:00.0 · 1.0 in view · #1 neutral · valence 0.00"
        press(browser, "ArrowRight")
        assert browser.value("document.getElementById('overtime').getAttribute('aria-valuetext')").startswith("0:00.2")
        x, y = browser.value(
            "(() => { const box = document.querySelector('.stacked').getBoundingClientRect();"
            " scrollBy(0, box.top - 200); const now = document.querySelector('.stacked').getBoundingClientRect();"
            " return [now.left + now.width * 0.501, now.top + 20]; })()"
        )
        browser.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        browser.wait(f"{READOUT}.startsWith('0:10.0')")
        at = browser.value("document.getElementById('cursor').getBoundingClientRect().left")
        assert at == pytest.approx(x, abs=6)

        for theme, dark in (("light", False), ("dark", True)):
            browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
            paper = browser.value("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
            assert (sum(paper) < 200) is dark
        browser.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        browser.wait("document.querySelector('.stacked').clientWidth < 390")
        assert browser.value("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
        stretch = "document.getElementById('area-sad').getAttribute('patternTransform')"
        browser.wait(f"parseFloat({stretch}.slice(6)) > 2")
        browser.ask("Emulation.clearDeviceMetricsOverride")

        printed = base64.b64decode(browser.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
        assert printed.startswith(b"%PDF")
        assert len(printed) < 2_000_000, "a printer can take it"
        assert browser.value("document.body.dataset.evil") is None
        assert browser.complaints == []
        assert [one for one in browser.requests if not one.startswith("data:image/jpeg") and one != page.as_uri()] == []


def test_the_page_of_all_sorts_by_key_and_leads_to_each_and_back(tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = [
        write_recording(out, name, PARTS if seconds > 5 else [], seconds)
        for name, seconds in (("b.mp4", 20.0), (EVIL, 5.0), ("c/a.mp4", 40.0))
    ]
    for one in made:
        write_recording_page(one.folder, out)
    write_tables(out, made)
    index = write_index(out)
    names = "[...document.querySelectorAll('#recordings tbody th')].map((one) => one.textContent)"
    with Browser(tmp_path) as browser:
        browser.open(index.as_uri())
        browser.wait(DRAWN)
        assert browser.value(names) == ["b.mp4", EVIL, "c/a.mp4"]
        length = "document.querySelectorAll('#recordings thead th')[1]"
        browser.value(f"{length}.querySelector('button').click()")
        assert browser.value(names) == ["c/a.mp4", "b.mp4", EVIL]
        assert browser.value(f"{length}.getAttribute('aria-sort')") == "descending"
        browser.value(f"{length}.querySelector('button').click()")
        assert browser.value(names) == [EVIL, "b.mp4", "c/a.mp4"]
        browser.value("document.querySelectorAll('#recordings thead th')[6].querySelector('button').click()")
        assert browser.value(names)[-1] == EVIL, "what is not known comes last"
        browser.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        assert browser.value("document.documentElement.scrollWidth") <= 390
        for address in browser.value("[...document.querySelectorAll('#recordings a')].map((one) => one.href)"):
            browser.ask("Page.navigate", url=address)
            browser.wait(f"document.getElementById('overtime') !== null && {DRAWN}")
            browser.ask("Page.navigate", url=browser.value("document.querySelector('nav a').href"))
            browser.wait(f"document.getElementById('recordings') !== null && {DRAWN}")
        assert browser.value("document.body.dataset.evil") is None
        assert browser.complaints == []
        assert all(one.startswith("file:///") for one in browser.requests)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_keep_to_what_axe_knows_of_accessibility(tmp_path: Path, theme: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    made = write_recording(tmp_path, "one.mp4", PARTS, 20.0, problems=["cut off"])
    pages = [write_recording_page(made.folder, tmp_path)]
    write_tables(
        tmp_path, [made], [("bad.mp4", "/bad.mp4", "SourceUnreadable", "It is no video.", "Copy it again.", "none")]
    )
    pages.append(write_index(tmp_path))
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for page in pages:
            # The policy of the page would keep the checker out as well.
            tab = chromium.new_context(color_scheme=theme, bypass_csp=True).new_page()
            tab.goto(page.as_uri())
            tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            found = axe.run(tab, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, found.generate_report()
        chromium.close()
