"""Recordings in a browser: the real one that Debian has, without a window."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy as np
import pytest
from observations import observation, opened
from waiting import wait_until

from fer_edge.sinks.video.encoders import look
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Image, Rates

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

PAGE = """<!doctype html><video id=v muted playsinline></video><script>
const video = document.getElementById("v"), canvas = document.createElement("canvas"), told = {};
async function play(name) {
  const seen = [];
  const pixel = (x, y) => Array.from(canvas.getContext("2d").getImageData(x, y, 1, 1).data).slice(0, 3);
  const look = (now, frame) => {
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    seen.push({at: frame.mediaTime, grey: pixel(160, 200), red: pixel(40, 40), green: pixel(160, 40), blue: pixel(280, 40)});
    video.requestVideoFrameCallback(look);
  };
  video.src = name;
  video.requestVideoFrameCallback(look);
  const error = await new Promise((resolve) => {
    video.onended = () => resolve("");
    video.onerror = () => resolve(video.error.message);
    video.play().catch((problem) => resolve(String(problem)));
  });
  told[name] = {error: error, width: video.videoWidth, height: video.videoHeight, seen: seen};
}
(async () => {
  for (const name of NAMES) await play(name);
  await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
</script>"""

RECORD = """
import sys
sys.path[:0] = ["tests/sinks", "tests", "."]
from observations import observation, opened
from test_browser import Nothing, picture
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates
sink = opened(VideoSink(sys.argv[1], overlay=Nothing()))
for index in range(100000):
    sink.write(observation(index, image=picture(index)), Rates())
    print(index, flush=True)
    if index == 59:
        sys.stdin.readline()
"""


class Nothing:
    bars = False

    def draw(self, image: Image, *rest: object, **more: object) -> Image:
        return image


def picture(index: int) -> Image:
    """Make red, green and blue above a grey that tells the index."""
    image = np.full((240, 320, 3), 20 + 2 * index % 200, np.uint8)
    image[:80, :80], image[:80, 80:240], image[:80, 240:] = (0, 0, 255), (0, 255, 0), (255, 0, 0)
    return image


class Handler(SimpleHTTPRequestHandler):
    """Gives the files of a folder, and takes what the page tells."""

    def log_message(self, *what: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.update(json.loads(told))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()


@contextmanager
def server(folder: Path) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as made:
        made.daemon_threads = True
        made.told = {}  # type: ignore[attr-defined]
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


def played(folder: Path, names: List[str]) -> Dict[str, Any]:
    """Let the browser play recordings one after the other, and give what it saw of each."""
    (folder / "page.html").write_text(PAGE.replace("NAMES", json.dumps(names)))
    with server(folder) as made:
        command = [
            *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio"),
            *("--autoplay-policy=no-user-gesture-required", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", f"--user-data-dir={folder / 'profile'}"),
            f"http://127.0.0.1:{made.server_port}/page.html",
        ]
        with (folder / "browser.log").open("wb") as log:
            browser = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            try:
                return wait_until(
                    lambda: made.told,  # type: ignore[attr-defined]
                    lambda: (folder / "browser.log").read_text(errors="replace")[-2000:],
                )
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(browser.pid, signal.SIGKILL)
                browser.wait(30)


def killed_while_recording(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RECORD, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for _ in range(60):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_browser_plays_a_recording_in_its_colours_also_one_whose_writer_was_killed(tmp_path: Path) -> None:
    if not look()[0]:
        pytest.skip("nothing here encodes H.264")
    with opened(VideoSink(tmp_path / "whole.mp4", overlay=Nothing())) as sink:  # type: ignore[arg-type]
        for index in range(60):
            sink.write(observation(index, image=picture(index)), Rates())
    killed_while_recording(tmp_path / "killed.mp4")
    for name, told in played(tmp_path, ["whole.mp4", "killed.mp4"]).items():
        assert told["error"] == "", name
        assert (told["width"], told["height"]) == (320, 240)
        seen = told["seen"]
        assert len(seen) > 3, name
        assert seen[-1]["at"] - seen[0]["at"] > 1.0, "it moves"
        for at in seen:
            assert at["grey"] == pytest.approx([20 + 2 * round(30 * at["at"])] * 3, abs=6), (name, at)
            assert at["red"] == pytest.approx([255, 0, 0], abs=12), name
            assert at["green"] == pytest.approx([0, 255, 0], abs=12), name
            assert at["blue"] == pytest.approx([0, 0, 255], abs=12), name
