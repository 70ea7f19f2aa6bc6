"""The page in Debian's Chromium: it draws, reacts, fits a phone and a sheet of paper, and speaks to nobody."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from browser_pipe import CHROMIUM, Browser
from made_minutes import BERLIN_MIDNIGHT, busy_day

from fer_edge.report.local_time import LocalTime
from fer_edge.report.page import Content, page_of
from fer_edge.report.period import Period
from fer_edge.report.summary import State

pytest.importorskip("plotly")

CAMERAS = [
    "hall",
    "<img src=x onerror=document.body.dataset.evil=1>",
    "</script><script>document.body.dataset.evil=2</script>",
]
HAPPY = "document.getElementById('people').data.find((one) => one.name === 'happy')"
CHOOSE = "(() => {{ const s = document.getElementById('{}'); s.selectedIndex = {}; s.dispatchEvent(new Event('change')); }})()"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_the_page_draws_reacts_fits_and_loads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    period = Period(BERLIN_MIDNIGHT, BERLIN_MIDNIGHT + 86400)
    path.write_bytes(page_of(Content(period, LocalTime("Europe/Berlin"), busy_day(CAMERAS), [State(0, "happy", 3.0)])))
    with Browser(tmp_path) as browser:
        browser.open(path.as_uri())
        browser.wait("document.body && document.body.dataset.drawn === 'yes'")
        for chart in ("people", "valence", "week", "shares", "uptime"):
            assert browser.value(f"document.querySelectorAll('#{chart} svg.main-svg').length") > 0, chart
        assert browser.value("document.querySelectorAll('#people .bars path').length") > 500
        names = browser.value(
            "[...document.querySelectorAll('#shares .yaxislayer-above text')].map((one) => one.textContent)"
        )
        assert [name[:6] for name in names] == [name[:6] for name in CAMERAS]

        at = 9 * 12
        assert browser.value(f"{HAPPY}.y[{at}]") == pytest.approx(0.3 * (1 + 2 + 3))
        browser.value(CHOOSE.format("camera", 2))
        browser.wait(f"{HAPPY}.y[{at}] === 0.6")
        assert browser.value("document.querySelector('.chosen').textContent") == CAMERAS[1]
        browser.value(CHOOSE.format("hours", 1))
        browser.wait("document.getElementById('week').data[0].zmin === -1")

        browser.value("document.getElementById('steps').closest('details').open = true")
        browser.wait("document.querySelectorAll('#steps tbody tr').length === 288")
        nine = "[...document.querySelectorAll('#steps tbody tr')].find((row) => row.textContent.startsWith('Thu 26 Nov 09:00'))"
        assert "0.60" in browser.value(f"{nine}.textContent")
        not_measured = (
            "[...document.querySelectorAll('#steps tbody tr')].find((row) => row.textContent.includes('10:30'))"
        )
        assert browser.value(f"{not_measured}.querySelectorAll('td')[0].textContent") == "\N{EN DASH}"

        closer = "['2026-11-26 09:00', '2026-11-26 10:00']"
        browser.value(
            f"Plotly.relayout('people', {{'xaxis.range[0]': {closer}[0], 'xaxis.range[1]': {closer}[1]}}).then(() => 1)"
        )
        browser.wait(f"document.getElementById('uptime').layout.xaxis.range.join() === {closer}.join()")

        browser.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        browser.wait("document.querySelector('#people svg.main-svg').clientWidth <= 390")
        assert browser.value("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
        browser.ask("Emulation.clearDeviceMetricsOverride")

        printed = base64.b64decode(browser.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
        assert printed.startswith(b"%PDF")
        assert len(printed) < 2_000_000, "a printer can take it"
        browser.wait("document.getElementById('people').data[0].type === 'bar'")
        buttons = browser.value("[...document.querySelectorAll('.modebar-btn')].map((one) => one.dataset.title).join()")
        assert "Cloud" not in buttons
        assert "Share" not in buttons

        assert browser.value("document.body.dataset.evil") is None
        assert browser.complaints == []
        outside = [one for one in browser.requests if not one.startswith(("data:", "blob:")) and one != path.as_uri()]
        assert outside == []
