"""A pipe, of which nobody knows when somebody writes to it, in the place of a file holds up nobody who reads it."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.file.container import is_cut, is_text, lacks_index
from fer_edge.capture.file.picture import pictures_of
from fer_edge.capture.file.places import head_of
from fer_edge.capture.file.sample_table import presented_samples
from fer_edge.capture.file.unreadable import Unreadable
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.media.file_input import FileInput
from fer_edge.capture.settings import DEFAULTS
from fer_edge.capture.tls import TlsSettings, secure
from fer_edge.classify.onnx import read_contract
from fer_edge.errors import FerEdgeError
from fer_edge.recordings.identity import identity_of
from fer_edge.recordings.recording import VIDEO, Recording
from fer_edge.report.file import refuse_place
from fer_edge.settings.file import SettingsFile
from fer_edge.system.credentials import read_named
from fer_edge.track.rest_file import refuse_to_replace
from fer_edge.web.tls import client_context, server_context

PATIENCE = 20.0


def of_a_camera(**files: str) -> None:
    ours, _theirs = socket.socketpair()
    address = CameraAddress.parse("https://127.0.0.1/live")
    with ours, _theirs:
        secure(ours, address, 0.0, threading.Event(), TlsSettings(**files))


READERS: Dict[str, Callable[[str], Any]] = {
    "a picture": lambda path: list(pictures_of(Path(path))),
    "the head of a picture": head_of,
    "a text": lambda path: is_text(Path(path)),
    "the end of a video": lambda path: is_cut(Path(path)),
    "the index of a video": lambda path: lacks_index(Path(path)),
    "the samples of a video": lambda path: presented_samples(Path(path)),
    "a video for PyAV": lambda path: FileInput(path, DEFAULTS).prepare(threading.Event()),
    "a video for OpenCV": lambda path: VideoFileSource(path).open(),
    "a recording": lambda path: identity_of(Recording("a", VIDEO, path)),
    "settings": lambda path: SettingsFile.read(Path(path)),
    "a secret": lambda path: read_named(path, "mqtt_password_file"),
    "a certificate of the page": lambda path: server_context(path, path),
    "an authority of the page": client_context,
    "an authority of a camera": lambda path: of_a_camera(ca_file=path),
    "a certificate for a camera": lambda path: of_a_camera(certificate=path),
    "a network": lambda path: read_contract(Path(path)),
    "a resting face": refuse_to_replace,
    "an old page": refuse_place,
}


@pytest.mark.parametrize("noticed", ["as it is a pipe", "once it is opened"])
@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    reader: str, noticed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, file = tmp_path / "pipe.mp4", tmp_path / "file.mp4"
    os.mkfifo(pipe)
    file.write_bytes(b"\0\1")
    status = os.stat(file)
    ended: List[str] = []
    if noticed == "once it is opened":  # somebody puts it there after what is done first: to look what lies there
        real = os.stat

        def stat(path: Any, *given: Any, **named: Any) -> os.stat_result:
            return status if not isinstance(path, int) and os.fspath(path) == str(pipe) else real(path, *given, **named)

        monkeypatch.setattr(os, "stat", stat)

    def read() -> None:
        try:
            READERS[reader](str(pipe))
        except (FerEdgeError, Unreadable, OSError) as error:
            ended.append(str(error))
        else:
            ended.append("")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    hung = thread.is_alive()
    with suppress(OSError):  # which lets go of who waits
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    thread.join(PATIENCE)
    assert not hung
    assert len(ended) == 1
