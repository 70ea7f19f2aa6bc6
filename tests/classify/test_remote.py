"""A classifier on a server: the same answers, and what happens where the server is away, slow or wrong."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Iterator

import numpy as np
import pytest
from kserve_server import NETWORK, Behaviour, HttpServer
from programs import free_port
from remote_boards import CROPS, EACH_FAULT, FAULTS, PATIENT, access, opened, probabilities
from waiting import wait_until

from fer_edge.classify.backend_choice import Wanted, open_classifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.remote.access import NONE
from fer_edge.classify.remote.classifier import RemoteClassifier
from fer_edge.classify.remote.link import MOST_LATE
from fer_edge.errors import ServerError
from fer_edge.inference.model_files import sha256_of


@pytest.fixture(scope="module")
def local() -> Iterator[ExpressionClassifier]:
    with closing(open_classifier(NETWORK, Wanted("onnx", "cpu", "fp32"))) as opened:
        yield opened


@pytest.mark.parametrize("pixels", [True, False])
@pytest.mark.parametrize("binary", [True, False])
def test_the_answers_are_those_of_the_local_network(
    server: HttpServer, url: str, local: ExpressionClassifier, pixels: bool, binary: bool
) -> None:
    server.behaviour.pixels = pixels
    server.behaviour.extensions = server.behaviour.extensions if binary else []
    with closing(opened(access(url, fallback=NONE))) as remote:
        np.testing.assert_allclose(probabilities(remote), probabilities(local), atol=1e-6)
        assert remote.classify(CROPS[:0]) == ()
    assert server.network.asked[-1] == ((4, 1, 64, 64) if pixels else (4, 3, 64, 64))


def test_a_grey_face_travels_as_4096_bytes_and_a_float_one_as_twelve_times_as_many(
    server: HttpServer, url: str
) -> None:
    sent = {}
    for pixels in (True, False):
        server.behaviour.pixels = pixels
        asked = access(url)
        with closing(opened(asked)) as remote:
            before = asked.tally.use().sent
            remote.classify(np.repeat(CROPS, 5, axis=0))
            sent[pixels] = (asked.tally.use().sent - before) / 20
    assert 4096 <= sent[True] < 4096 + 50
    assert 12 * 4096 <= sent[False] < 12 * 4096 + 50


def test_several_threads_ask_at_once_and_each_gets_its_own_answer(
    server: HttpServer, url: str, local: ExpressionClassifier
) -> None:
    server.behaviour.delay = 0.05
    faces = np.random.default_rng(8).integers(0, 256, (16, 1, 64, 64, 3), np.uint8)
    with closing(opened(access(url, fallback=NONE))) as remote, ThreadPoolExecutor(8) as pool:
        assert remote.concurrent
        got = list(pool.map(lambda crop: probabilities(remote, crop), faces))
    np.testing.assert_allclose(np.concatenate(got), probabilities(local, faces[:, 0]), atol=1e-6)


@pytest.mark.parametrize(("url", "fault"), EACH_FAULT, indirect=["url"])
def test_a_fault_while_it_runs_is_answered_by_the_local_network_until_the_server_is_well(
    server: HttpServer, url: str, local: ExpressionClassifier, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    break_it, _, reason = FAULTS[fault]
    asked = access(url)
    with closing(opened(asked)) as remote:
        asked = replace(asked, deadline=0.3 if fault == "slow" else PATIENT)
        remote._access = asked  # type: ignore[attr-defined]  # the start had time
        break_it(server.behaviour)
        tries = MOST_LATE if fault == "slow" else 1
        for _ in range(tries):
            assert not remote.trouble()
            np.testing.assert_allclose(probabilities(remote), probabilities(local), atol=1e-6)
        use = asked.tally.use()
        assert use.failures == {reason: tries}
        assert (use.answers, use.fallbacks) == (False, tries)
        assert "the local network answers" in remote.trouble()
        lost = [record for record in caplog.records if getattr(record, "event", "") == "server_lost"]
        assert [record.reason for record in lost] == [reason]  # type: ignore[attr-defined]
        remote.classify(CROPS)
        assert asked.tally.use().requests == use.requests, "a frame asked a server that is away"
        server.behaviour.__dict__.update(Behaviour(sha256=sha256_of(NETWORK)).__dict__)
        wait_until(lambda: not remote.trouble(), "the server asked again")
        remote.classify(CROPS)
        assert asked.tally.use().fallbacks == tries + 1
        assert asked.tally.use().answers


def test_without_a_local_network_a_failure_is_raised_and_a_patient_start_is_not_to_be_had(
    server: HttpServer, url: str
) -> None:
    with closing(opened(access(url, fallback=NONE))) as remote:
        server.behaviour.status = 500
        with pytest.raises(ServerError, match="something is wrong"):
            remote.classify(CROPS)


def test_a_server_that_is_away_at_a_patient_start_is_waited_for(local: ExpressionClassifier) -> None:
    port = free_port()
    server = HttpServer(Behaviour(), port)
    asked = access(server.url, patient=True)
    with closing(opened(asked)) as remote:
        np.testing.assert_allclose(probabilities(remote), probabilities(local), atol=1e-6)
        assert "cannot be reached" in remote.trouble()
        with server:
            wait_until(lambda: not remote.trouble(), "the server found")
            remote.classify(CROPS)
            assert (asked.tally.use().requests, asked.tally.use().fallbacks) == (1, 1)


def test_a_connection_that_the_server_closed_while_it_waited_is_opened_anew(server: HttpServer) -> None:
    asked = access(server.url, fallback=NONE)
    with closing(opened(asked)) as remote:
        assert isinstance(remote, RemoteClassifier)
        (kept,) = remote._transport._idle  # type: ignore[attr-defined]
        kept._socket.shutdown(socket.SHUT_RDWR)
        remote.classify(CROPS)
        assert not asked.tally.use().failures
