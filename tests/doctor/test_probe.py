from __future__ import annotations

import signal

from fer_edge.board.program import Ran
from fer_edge.doctor.probe import Probe, probe


def test_what_a_program_finds_comes_back() -> None:
    assert probe("facts = {'version': '1.2', 'list': [1, None]}") == Probe({"version": "1.2", "list": [1, None]})


def test_what_a_library_prints_does_not_matter() -> None:
    program = "import os\nprint('hello')\nos.write(1, b'no line end')\nprint('fer-edge-facts:{}')\nfacts = 3"
    assert probe(program) == Probe(3)


def test_a_library_that_is_not_there_is_named() -> None:
    tried = probe("import no_such_library.part; facts = 1")
    assert tried.missing == "no_such_library"
    assert tried.facts is None


def test_an_error_is_told_in_one_line() -> None:
    tried = probe("raise ImportError('libGL.so.1: cannot open shared object file\\nmore words')")
    assert tried.reason == "ImportError: libGL.so.1: cannot open shared object file"


def test_numpys_long_message_is_cut_to_its_cause() -> None:
    words = "\\n\\nIMPORTANT: PLEASE READ THIS\\n\\nOriginal error was: libopenblas.so.0: no such file\\n"
    assert probe(f"raise ImportError('{words}')").reason == "Original error was: libopenblas.so.0: no such file"


def test_a_crash_is_told_by_its_signal() -> None:
    tried = probe("import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    assert tried == Probe(reason="it crashed with SIGILL", signal=signal.SIGILL)


def test_an_end_without_a_word_is_told() -> None:
    assert probe("raise SystemExit(7)").reason == "it ended with status 7"


def test_a_library_that_hangs_is_left_behind() -> None:
    assert probe("import time; time.sleep(600)", timeout=1.0).reason == "it did not answer in 1 s"


def test_an_interpreter_that_cannot_be_started_is_told() -> None:
    assert "started" in probe("facts = 1", run=lambda command, timeout: None).reason


def test_a_torn_answer_is_no_answer() -> None:
    tried = probe("facts = 1", run=lambda command, timeout: Ran(0, '\nfer-edge-facts:{"fac', ""))
    assert tried.facts is None
    assert tried.reason


def test_the_tried_program_sees_the_libraries_of_this_one() -> None:
    tried = probe("import fer_edge, sys; facts = fer_edge.__file__")
    import fer_edge

    assert tried.facts == fer_edge.__file__
