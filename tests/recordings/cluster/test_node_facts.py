"""Who may take part in a run on a cluster."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from recording_files import ASKED

from fer_edge.errors import ClusterUnusable
from fer_edge.recordings.cluster.node_facts import facts_of, refusals, refuse_unfit
from fer_edge.recordings.cluster.run import needed_of


def test_a_machine_with_all_that_is_needed_takes_part(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch()
    needed = needed_of(ASKED, [os.fspath(tmp_path)], os.fspath(token))
    facts = facts_of(needed)
    assert refusals(facts, needed) == []
    refuse_unfit([facts], needed)


def test_a_machine_is_refused_for_what_is_another_there(tmp_path: Path) -> None:
    needed = needed_of(
        replace(ASKED, rest="/nowhere/anna.json", rest_sha256="1" * 64), ["/nowhere/1.mp4"], "/nowhere/token"
    )
    facts = facts_of(needed)
    (rest, missing, results) = refusals(facts, needed)
    assert "another resting face" in rest
    assert missing == "does not see /nowhere/1.mp4, or may not use it"
    assert results == "does not see /nowhere, or may not use it"
    needed = replace(needed_of(ASKED, []), libraries=("av", "somewhat"))
    facts = {**facts_of(needed), "libraries": ("av", "pyarrow")}
    assert refusals(facts, needed) == [
        "has no somewhat, as the run was started with",
        "has pyarrow, and the run was started without",
    ]
    assert refusals({**facts, "python": "3.7", "version": "9.9"}, needed) == [
        f"has Python 3.7, and the run was started with {needed.python}",
        f"has fer-edge 9.9, and the run was started with {ASKED.version}",
    ]
    lacking = facts_of(needed_of(replace(ASKED, model="/nowhere/own.onnx"), []))
    assert any("lacks the network" in why for why in refusals(lacking, needed))


def test_a_machine_that_may_not_read_a_bucket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra 'cluster')")

    def info(self: object, path: str) -> None:
        if path.startswith("/there"):
            raise FileNotFoundError(path)
        raise PermissionError("Forbidden")

    places = ["memory://there/1.mp4", "memory://there/2.mp4", "memory://closed/1.mp4"]
    needed = needed_of(ASKED, places)
    assert needed.readable == (places[0], places[2])
    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "info", info)
    assert refusals(facts_of(needed), needed) == [
        "has no use of the storage: memory://closed/1.mp4 may not be read: PermissionError: Forbidden"
    ]


def test_of_many_machines_some_are_named_and_the_others_are_counted() -> None:
    needed = needed_of(ASKED, [])
    machines = [{"host": f"node{number}", "python": needed.python, "version": ""} for number in range(9)]
    with pytest.raises(ClusterUnusable) as caught:
        refuse_unfit(machines, needed)
    assert "9 of 9 machines" in caught.value.message
    assert "node0 has no fer-edge" in caught.value.message
    assert "and 4 more" in caught.value.message
