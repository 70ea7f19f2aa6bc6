"""The page in a real browser: before the real program, and before runs that only seem to be."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from canned_run import PAGE, CannedRun, camera, iso, person
from programs import Program
from waiting import wait_until

from fer_edge.capture.synthetic import PORTRAIT

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

TOKEN = "a-word-of-many-letters"
PATIENCE = 90_000
"""Milliseconds for anything to happen on the page."""

HOSTILE = "<img src=x onerror=\"window.harm = 1\"> & 'door' \u202e/../%2F"
MOVES = """(canvas) => { const now = canvas.toDataURL(); const moved = canvas.before && canvas.before !== now;
    canvas.before = now; return moved; }"""
TABBED = """() => { const one = document.activeElement; const style = getComputedStyle(one);
    return [one.id || one.className || one.tagName, style.outlineStyle !== "none" && style.outlineWidth !== "0px"]; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open pages; at the end no script of theirs may have failed, and nothing may have been asked for elsewhere."""
    contexts: List[Any] = []
    problems: List[str] = []
    hosts: List[str] = []

    def opened(address: str, **options: Any) -> Any:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.problems = problems
        page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: hosts.append(request.url.split("/")[2]))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
    assert {host.split(":")[0] for host in hosts} <= {"127.0.0.1"}


@contextmanager
def canned(*names: str, **more: Any) -> Iterator[CannedRun]:
    run = CannedRun([camera(name, **more) for name in names or ("door",)])
    for name in names or ("door",):
        run.persons[name] = [person(1, "happy"), person(2, "sad", uncertain=True, doubt="turned")]
    with run:
        yield run


def see(page: Any, selector: str, words: str) -> None:
    playwright.expect(page.locator(selector)).to_contain_text(words, timeout=PATIENCE)


def moves(page: Any, selector: str) -> None:
    page.locator(selector).first.wait_for()
    page.wait_for_function(f"({MOVES})(document.querySelector('{selector}'))", polling=200)


def camera_that_can_go(port: int = 0) -> CannedRun:
    return CannedRun([camera("x")], lambda index: PORTRAIT.read_bytes(), port)


def test_a_visitor_logs_in_sees_live_pictures_and_events_and_is_told_of_a_camera_that_is_lost(
    tmp_path: Path, visit: Callable[..., Any]
) -> None:
    with camera_that_can_go() as door:
        arguments = ["--camera", "demo:3", "--camera", f"door={door.address}api/cameras/x/live.mjpg"]
        with Program(tmp_path, *arguments, results="", environment={"FER_EDGE_TOKEN": TOKEN}) as program:
            wait_until(lambda: any("door: watching" in line["message"] for _, line in program.log()), program.tail)
            page = visit(f"http://{program.address}/")
            assert page.url.endswith("/login"), "who has not shown the token sees nothing"
            page.fill("#token", "wrong")
            page.press("#token", "Enter")
            see(page, "#problem", "token is missing or wrong")
            assert "401" in page.problems.pop(), "the browser itself notes that refusal"
            page.fill("#token", TOKEN)
            page.press("#token", "Enter")
            demo, card = 'article[aria-label="demo-3"]', 'article[aria-label="door"]'
            moves(page, f"{demo} .view")
            see(page, f"{demo} .people", "happy")
            assert page.locator(f"{demo} .person").count() == 3
            see(page, "#events", "door")
            assert float(page.locator("#figures dd span").first.text_content()) > 0
            door.__exit__()
            see(page, f"{card} .chip", "Lost")
            see(page, f"{card} .veil", "Camera lost")
            see(page, "#events", "Camera lost")
            see(page, "#announcer", "door: Camera lost")
            see(page, "#status", "Degraded")
            moves(page, f"{demo} .view")
            with camera_that_can_go(door.port):
                see(page, f"{card} .chip", "Live")
                see(page, "#events", "Camera is back")
                page.locator(f"{card} .veil").wait_for(state="hidden")
                page.get_by_role("button", name="Log out").click()
                page.locator("#token").wait_for()
                page.goto(f"http://{program.address}/")
                assert page.url.endswith("/login"), "who logged out sees nothing any more"
                page.context.close()


def test_a_state_appears_when_it_begins_and_gets_its_duration_when_it_is_over(visit: Callable[..., Any]) -> None:
    with canned() as run:
        run.timelines["door"] = {
            **{"from": iso(600), "to": iso(), "valence": [[0, 0.5]]},
            "states": [{"id": 1, "label": "fear", "start": iso(90), "end": iso(60), "valence": -0.5}],
        }
        page = visit(run.address)
        see(page, "#events li", "fear · person 1")
        start, end = iso(5), iso(1)
        begun = {"camera": "door", "track": 7, "expression": "surprise", "start": start, "end": None, "valence": 0.25}
        run.push("change", begun)
        see(page, "#events li:first-child", "surprise · person 7now")
        run.push("change", {**begun, "end": end})
        see(page, "#events li:first-child", "4 s")
        assert page.locator("#events li").count() == 2
        page.get_by_text("As a table").click()
        rows = page.locator("tbody tr").all_inner_texts()
        assert [row.split("\t")[:2] for row in rows] == [["7", "surprise"], ["1", "fear"]]
        assert [row.split("\t")[4:] for row in rows] == [["4 s", "+0.25"], ["30 s", "\u22120.50"]]


def test_a_page_that_is_opened_late_claims_nothing_of_a_camera_that_is_lost(visit: Callable[..., Any]) -> None:
    with canned(state="lost", trouble="unplugged") as run:
        seconds = time.time()
        run.timelines["door"] = {
            **{"from": iso(600), "to": iso(), "valence": [[int(seconds) - 300, 0.5], [int(seconds) - 240, 0.5]]},
            "states": [{"id": 1, "label": "happy", "start": iso(300), "end": None, "valence": 0.5}],
        }
        page = visit(run.address)
        see(page, ".veil", "unplugged")
        see(page, "#events li", "happy · person 1\u2013")
        page.get_by_text("As a table").click()
        began, ended, lasted = page.locator("tbody tr").inner_text().split("\t")[2:5]
        assert "now" not in (began, ended), "a face that nobody sees any more is not shown as still there"
        assert lasted in ("1 min", "1 min 1 s", "1 min 2 s")
        told = """async (timeline) => {
            const { States } = await import("./static/states.js");
            const states = new States();
            states.load(timeline);
            states.silent();
            return states.valence.map(([, mean]) => mean);
        }"""
        assert page.evaluate(told, run.timelines["door"]) == [0.5, None, 0.5, None], (
            "the line breaks where nothing came"
        )


def test_a_lost_connection_is_told_and_comes_back_by_itself(visit: Callable[..., Any]) -> None:
    with canned() as run:
        page = visit(run.address)
        moves(page, ".view")
    see(page, "#banner", "No connection to the program since")
    see(page, ".veil", "No connection")
    assert page.title().startswith("No connection")
    del page.problems[:]  # the browser notes each address that does not answer
    again = CannedRun([camera("door")], port=run.port)
    again.persons["door"] = [person(5, "angry")]
    with again:
        page.locator("#banner").wait_for(state="hidden")
        see(page, ".people", "Person 5")
        moves(page, ".view")
        page.context.close()
    page.problems[:] = [said for said in page.problems if "ERR_CONNECTION_REFUSED" not in said]


def test_a_run_that_gives_data_only_is_asked_for_no_picture_and_the_page_says_so(visit: Callable[..., Any]) -> None:
    with canned() as run:
        run.pictures = False
        page = visit("about:blank")
        asked: List[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(run.address)
        see(page, ".veil", "No pictures")
        see(page, ".people", "happy")
        page.wait_for_timeout(1200)  # longer than the page takes to ask for what it lacks
        assert not [url for url in asked if "live.mjpg" in url or "snapshot.jpg" in url]
        page.goto("about:blank")


def test_hostile_words_are_shown_as_they_are_and_do_nothing(visit: Callable[..., Any]) -> None:
    with canned(HOSTILE) as run:
        run.persons[HOSTILE] = [person(1, HOSTILE, probabilities={"happy": 0.5})]
        run.session["health"] = {"status": "degraded", "reasons": [HOSTILE]}
        page = visit(run.address)
        moves(page, ".view")
        run.push(
            "change",
            {"camera": HOSTILE, "track": 1, "expression": HOSTILE, "start": iso(3), "end": None, "valence": None},
        )
        see(page, "#events", HOSTILE)
        run.become(HOSTILE, "lost", HOSTILE)
        see(page, ".veil", HOSTILE)
        for selector in ("h3", "#reasons li", ".camera .name"):
            assert page.locator(selector).first.text_content() == HOSTILE
        assert page.evaluate("window.harm === undefined && document.images.length === 1")


def test_everything_is_reached_by_the_keyboard_and_shows_that_it_is(visit: Callable[..., Any]) -> None:
    with canned("door", "hall") as run:
        page = visit(run.address)
        moves(page, ".view")
        reached = []
        for _ in range(8):
            page.keyboard.press("Tab")
            name, seen = page.evaluate(TABBED)
            assert seen, f"{name} does not show that it has the focus"
            reached.append(name)
        assert reached == ["skip", "pause", "theme", "enlarge", "SUMMARY", "enlarge", "SUMMARY", "feed"]
        page.get_by_role("button", name="Enlarge hall").press("Enter")
        page.locator('article[aria-label="door"]').wait_for(state="hidden")
        assert page.locator('article[aria-label="hall"]').is_visible()
        page.get_by_role("button", name="All cameras").press("Enter")
        page.locator('article[aria-label="door"]').wait_for()
        assert page.evaluate("document.activeElement.ariaLabel") == "Enlarge hall", "the focus is where it was"


def test_of_many_cameras_few_stream_at_a_time_and_none_while_nobody_looks(visit: Callable[..., Any]) -> None:
    with canned(*(f"camera{index}" for index in range(9))) as run:
        page = visit(run.address, viewport={"width": 1600, "height": 2400})
        until(page, lambda: page.locator(".veil[hidden]").count() == 9)
        assert run.streams == 3, "the other pictures come one by one: browsers have six connections to an address"
        page.get_by_role("button", name="Enlarge camera8").click()
        moves(page, 'article[aria-label="camera8"] .view')
        until(page, lambda: run.streams == 1)
        page.get_by_role("button", name="Pause").click()
        until(page, lambda: run.streams == 0)
        see(page, 'article[aria-label="camera8"] .veil', "Paused")
        page.get_by_role("button", name="Pause").click()
        until(page, lambda: run.streams == 1)
        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true}); document.dispatchEvent(new Event('visibilitychange'))"
        )
        until(page, lambda: run.streams == 0 and not run.readers)


def until(page: Any, look: Callable[[], bool]) -> None:
    for _ in range(PATIENCE // 50):
        if look():
            return
        page.wait_for_timeout(50)
    pytest.fail("it did not come about")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 320)])
def test_people_with_other_senses_can_use_it(visit: Callable[..., Any], theme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with canned("door", "a-camera-with-a-name-of-many-letters-without-a-space") as run:
        run.session["health"] = {"status": "degraded", "reasons": ["door: the camera was unplugged"]}
        run.timelines["door"] = {
            **{"from": iso(600), "to": iso(), "valence": []},
            "states": [
                {"id": 1, "label": "fear", "start": iso(90 - 2 * at), "end": iso(89 - 2 * at), "valence": 0.1}
                for at in range(30)
            ],
        }
        page = visit(run.address, color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
        moves(page, ".view")
        page.get_by_text("As a table").first.click()
        run.become("door", "lost", "The camera was unplugged.")
        see(page, ".veil >> nth=0", "Camera lost")
        see(page, "#announcer", "door: Camera lost")
        for look in ("the page", "the login page"):
            found = axe.run(page, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, f"{look}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{look} is wider than its window"
            )
            page.goto(f"{run.address}login")


def test_the_page_is_small() -> None:
    assert sum(file.stat().st_size for file in PAGE.iterdir()) < 100_000
