"""What the process that reads RTSP tells us, when somebody else speaks in its place."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mutation import examples, mutated

from fer_edge.capture.child import ChildPipe
from fer_edge.capture.rtsp.outlet import ANSWERED, ENDED, FAILED, FRAME, HEADER, OPENED, STARTED
from fer_edge.capture.rtsp.source import RtspSource
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError

QUICK = CaptureSettings(connect_timeout=2.0, first_image_timeout=2.0, stall_timeout=2.0)


def message(kind: bytes, width: int = 0, height: int = 0, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, width, height, len(payload)) + payload


BEGIN = message(STARTED) + message(ANSWERED)
OPEN = BEGIN + message(OPENED, payload=json.dumps({"fps": 25.0}).encode())
PICTURE = message(FRAME, 4, 3, bytes(36))
WORDS = [OPEN + PICTURE * 3 + message(ENDED), BEGIN + message(FAILED), message(FAILED), OPEN + message(ENDED)]


@pytest.fixture(scope="module")
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


@examples(40)
@given(st.one_of(mutated(*WORDS), st.binary(max_size=60)))
@example(OPEN + HEADER.pack(FRAME, 0xFFFFFFFF, 0xFFFFFFFF, 36))
@example(OPEN + HEADER.pack(FRAME, 32000, 32000, 3 * 32000**2))
@example(OPEN + HEADER.pack(FRAME, 4, 3, 35) + bytes(36))
@example(OPEN + HEADER.pack(FRAME, 0, 0, 0))
@example(BEGIN + HEADER.pack(OPENED, 0, 0, 0xFFFFFFFF))
@example(HEADER.pack(b"EVIL", 0, 0, 0xFFFFFFFF))
@example(BEGIN + message(OPENED, payload=b"[]") + PICTURE)
@example(BEGIN + message(OPENED, payload=b'{"fps": null}') + PICTURE)
@example(BEGIN + message(OPENED, payload=b'{"fps": NaN}') + PICTURE)
@example(BEGIN + message(OPENED, payload=b"[" * 60000) + PICTURE)
@example(BEGIN + message(OPENED, payload=b'{"fps": ' + b"9" * 400 + b"}") + PICTURE)
@example(BEGIN + message(OPENED, payload=b"\xff") + PICTURE)
@example(BEGIN + message(FAILED, payload=b"the words of another"))
def test_whatever_the_reader_says_it_is_a_picture_or_an_error_of_ours(
    tmp_path: Path, listening: socket.socket, content: bytes
) -> None:
    port = listening.getsockname()[1]
    file = tmp_path / "said"
    file.write_bytes(content)
    source = RtspSource(f"rtsp://127.0.0.1:{port}/live", QUICK)
    source._pipe = ChildPipe(["cat", str(file)])
    try:
        source.open()
        for _ in range(5):
            if source.grab():
                assert source.retrieve().size
    except SourceError as error:
        assert f"127.0.0.1:{port}" in error.message
    finally:
        source.close()
        # The source looks whether somebody is there; what it waits for comes from its reader.
        listening.accept()[0].close()
