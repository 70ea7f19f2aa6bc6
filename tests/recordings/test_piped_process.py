"""A process with which a pool speaks over pipes."""

import selectors
import signal
from typing import Any, List, Optional, Tuple

from waiting import PATIENCE

from fer_edge.recordings.piped_process import PipedProcess, exchanged

LARGE = bytes(1 << 20)
"""More than a pipe holds."""


class ReadFirst(selectors.DefaultSelector):
    """Tells what can be read before what can be written."""

    def select(self, timeout: Optional[float] = None) -> List[Tuple[selectors.SelectorKey, int]]:
        return sorted(super().select(timeout), key=lambda one: one[1])


def test_a_process_that_ended_while_much_waited_for_its_pipe_is_told_of_and_let_go() -> None:
    with ReadFirst() as selector:
        process = PipedProcess("fer_edge.recordings.worker", selector, {})
        try:
            process.kill()
            assert process.status(PATIENCE) == -signal.SIGKILL
            process.send(LARGE)
            told: List[Any] = []
            for one, values in exchanged(selector, PATIENCE):
                told.append(values)
                one.end(0.0)
            assert told == [None]
            assert not selector.get_map()
        finally:
            process.end(0.0)
