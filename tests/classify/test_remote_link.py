"""When a server counts as away, how it is asked again, and what is told meanwhile; with a server that is made up."""

from __future__ import annotations

from contextlib import closing
from typing import Iterator, List, Optional

import numpy as np
import pytest
from waiting import wait_until

from fer_edge.classify import FakeClassifier
from fer_edge.classify.remote.access import ServerAccess
from fer_edge.classify.remote.address import parse_server
from fer_edge.classify.remote.classifier import RemoteClassifier
from fer_edge.classify.remote.link import MOST_LATE, Link
from fer_edge.classify.remote.tally import ServerTally
from fer_edge.classify.remote.transport import FakeTransport, ServerModel, Tensor
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import ServerError, ServerLate, ServerUnreachable

CROPS = np.zeros((2, 64, 64, 3), np.uint8)
MODEL = ServerModel("m", (Tensor("faces", "UINT8", (-1, 1, 64, 64)),), (Tensor("logits", "FP32", (-1, 7)),))


class Sad(FakeClassifier):
    """The local network, whose answers can be told from the server's."""

    def __init__(self) -> None:
        super().__init__((0, 0, 0, 0, 0, 1, 0))


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport(MODEL)


@pytest.fixture
def access() -> ServerAccess:
    return ServerAccess(parse_server("http://gpu"))


@pytest.fixture
def remote(transport: FakeTransport, access: ServerAccess) -> Iterator[RemoteClassifier]:
    opened = RemoteClassifier(transport, ModelSpec("m"), "0" * 64, access, Sad(), 0.01, 0.05)
    with closing(opened):
        yield opened


def labels(remote: RemoteClassifier) -> List[str]:
    return [one.label for one in remote.classify(CROPS)]


def test_one_late_answer_costs_its_own_faces_and_three_in_a_row_send_all_to_the_local_network(
    remote: RemoteClassifier, transport: FakeTransport
) -> None:
    transport.fault = ServerLate("late")
    for _ in range(MOST_LATE - 1):
        assert labels(remote) == ["sad", "sad"]
        assert not remote.trouble()
    transport.fault = None
    assert labels(remote) == ["happy", "happy"]
    transport.fault = ServerLate("late")
    for _ in range(MOST_LATE):
        assert not remote.trouble()
        assert labels(remote) == ["sad", "sad"]
    assert remote.trouble()


def test_a_server_that_is_gone_is_asked_by_no_further_frame_and_comes_back(
    remote: RemoteClassifier, transport: FakeTransport, access: ServerAccess
) -> None:
    transport.fault = ServerUnreachable("gone")
    labels(remote)
    asked = access.tally.use().requests
    assert labels(remote) == ["sad", "sad"]
    assert access.tally.use().requests == asked
    transport.fault = None
    wait_until(lambda: not remote.trouble(), "back")
    assert labels(remote) == ["happy", "happy"]


def test_a_server_that_comes_back_with_another_network_stays_away(
    remote: RemoteClassifier, transport: FakeTransport
) -> None:
    transport.fault = ServerUnreachable("gone")
    labels(remote)
    transport.model = ServerModel("m", (Tensor("faces", "UINT8", (-1, 1, 32, 32)),), MODEL.outputs)
    transport.fault = None
    wait_until(lambda: "not that of the local file" in remote.trouble(), "the reason of now")
    assert labels(remote) == ["sad", "sad"]


def test_a_network_of_two_threads_is_refused_to_a_second_one(transport: FakeTransport, access: ServerAccess) -> None:
    local = Sad()
    local.concurrent = False
    with closing(RemoteClassifier(transport, ModelSpec("m"), "0" * 64, access, local)) as remote:
        assert not remote.concurrent


def test_pauses_grow_up_to_a_bound_and_begin_anew_after_a_steady_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.classify.remote.link.SPREAD", 0.0)
    now = 100.0
    faults: List[Optional[ServerError]] = [ServerUnreachable("gone")] * 5 + [None]
    waited: List[float] = []

    def probe() -> None:
        fault = faults.pop(0)
        if fault is not None:
            raise fault

    link = Link("gpu", probe, "the local network answers", ServerTally(), lambda: now, 0.5, 3.0)

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return False

    monkeypatch.setattr(link._ended, "wait", wait)
    link.failed(ServerUnreachable("gone"))
    wait_until(lambda: link.error is None, "back")
    link.close()
    assert waited == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0]
    waited.clear()
    now += 60.0
    faults[:] = [None]
    again = link._ended
    again.clear()
    link.failed(ServerUnreachable("gone"))
    wait_until(lambda: link.error is None, "back")
    link.close()
    assert waited == [0.5]
