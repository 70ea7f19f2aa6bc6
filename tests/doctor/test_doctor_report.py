from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.doctor.finding import LEVELS, Finding, is_ready
from fer_edge.doctor.privacy import without_identity
from fer_edge.doctor.report import WIDTH, to_json, to_text

FINDINGS = st.builds(Finding, st.text(), st.text(), st.text(), st.sampled_from(LEVELS), st.text())


@given(st.lists(st.builds(Finding, st.just("topic"), st.text(), st.text(), st.sampled_from(LEVELS), st.text())))
def test_no_line_is_wider_than_the_table(findings: list) -> None:
    assert all(len(line) <= WIDTH for line in to_text(findings).splitlines())


@given(st.lists(FINDINGS))
def test_the_json_says_whether_the_main_job_can_run(findings: list) -> None:
    report = json.loads(to_json(findings))
    assert report["ready"] == is_ready(findings)
    assert [entry["level"] for entry in report["findings"]] == [finding.level for finding in findings]


def test_the_table_shows_each_finding_under_its_topic_and_counts_them() -> None:
    text = to_text(
        [
            Finding("power", "power mode", "5W (mode 1)", "warning", "Half the cores."),
            Finding("power", "cores", "2 of 4 on", "note", "The others are off."),
            Finding("Python", "numpy", "not installed", "problem", "Install it."),
        ]
    )
    assert text.splitlines()[2:5] == [
        "power",
        "  WARNING  power mode       5W (mode 1)                  Half the cores.",
        "  note     cores            2 of 4 on                    The others are off.",
    ]
    assert "cannot run" in text
    assert "1 problem, 1 warning, 1 note" in text


def test_a_command_stays_on_one_line_so_that_it_can_be_copied() -> None:
    meaning = "It belongs to the group 'video'; join with:  sudo usermod -aG video $USER  and log in again."
    text = to_text([Finding("cameras", "permission", "no", "warning", meaning)])
    assert "sudo usermod -aG video $USER" in text
    assert "\0" not in text


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="severe"):
        Finding("topic", "subject", "value", "severe", "meaning")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/alice/.cache/fer-edge", "~/.cache/fer-edge"),
        ("/home/alice", "~"),
        ("/home/alicelake/x", "/home/USER/x"),
        ("/home/bob/venv/lib", "/home/USER/venv/lib"),
        ("/media/alice/disk", "/media/USER/disk"),
        ("/var/tmp/alice/x", "/var/tmp/USER/x"),
        ("rtsp://admin:secret@camera/1", "rtsp://***@camera/1"),
        ("alice is a word, /srv/malice/x a path", "alice is a word, /srv/malice/x a path"),
    ],
)
def test_nobody_is_named(text: str, shown: str) -> None:
    assert without_identity(text, home="/home/alice", user="alice") == shown


def test_the_user_of_this_process_is_not_named_in_the_table() -> None:
    import os

    home = os.path.expanduser("~")
    finding = Finding("state", "cache", "here", "ok", f"Files go to {home}/.cache/fer-edge")
    for text in (to_text([finding]), to_json([finding])):
        assert home + "/" not in text
        assert "~/.cache" in text
