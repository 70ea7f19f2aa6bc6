"""Pictures leave the machine only where somebody asked for it."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
from programs import Program, eventually, free_port

from fer_edge.settings import Settings
from fer_edge.system.address import parse_address


@pytest.mark.parametrize(
    ("listen", "asked", "shown"),
    [
        ("127.0.0.1:8650", {}, True),
        ("[::1]:8650", {}, True),
        ("localhost:8650", {}, True),
        ("0.0.0.0:8650", {}, False),
        ("[::]:8650", {}, False),
        ("192.168.1.20:8650", {}, False),
        ("nano.local:8650", {}, False),
        ("0.0.0.0:8650", {"web": "auto"}, False),
        ("0.0.0.0:8650", {"web": "pictures"}, True),
        ("127.0.0.1:8650", {"web": "data"}, False),
    ],
)
def test_other_machines_are_shown_pictures_only_where_that_was_asked_for(
    listen: str, asked: Dict[str, str], shown: bool
) -> None:
    assert Settings.of(listen=parse_address(listen), **asked).web.shows_pictures is shown


@pytest.mark.slow
def test_a_program_that_others_can_reach_gives_no_picture_to_who_knows_the_token(tmp_path: Path) -> None:
    port = free_port()

    def asked(path: str) -> Tuple[int, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            connection.request("GET", path, headers={"Authorization": "Bearer a-word-of-chance"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def live() -> bool:
        try:
            return bool(asked("/api/cameras")[1]["cameras"][0]["state"] == "live")
        except OSError:
            return False

    with Program(
        tmp_path, "--camera", "demo", "--listen", f"0.0.0.0:{port}", environment={"FER_EDGE_TOKEN": "a-word-of-chance"}
    ):
        eventually(live, "a camera that gives images")
        assert asked("/api/cameras")[1]["pictures"] is False
        assert [asked(f"/api/cameras/demo/{what}")[0] for what in ("snapshot.jpg", "live.mjpg")] == [403, 403]
        assert asked("/api/cameras/demo/state")[0] == 200
