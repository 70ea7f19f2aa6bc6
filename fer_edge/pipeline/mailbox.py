"""What stands between two stages: room for one item of each lane."""

from __future__ import annotations

import threading
import time
from typing import AbstractSet, Callable, Dict, Generic, List, Optional, Sequence, Set, Tuple, TypeVar

from fer_edge.system.clock import Clock

T = TypeVar("T")

_Use = Tuple[Optional[AbstractSet[str]], Optional[Callable[[str], bool]]]
"""What a consumer takes: the lanes, or None for all, and what tells whether there is room behind for one of a lane."""


class Closed(Exception):
    """The mailbox is closed: nothing will come any more, or nobody will take anything any more."""


class Delivery(Generic[T]):
    """What a consumer takes: an item of a lane, or the news that the lane has come to its end.

    Attributes
    ----------
    lane : str
        Whose it is.
    item : object or None
        None for the end of the lane.
    waited : float
        Seconds that the item waited.
    error : BaseException or None
        What ended the lane, where that was an error.
    """

    __slots__ = ("error", "item", "lane", "waited")

    def __init__(
        self, lane: str, item: Optional[T], waited: float = 0.0, error: Optional[BaseException] = None
    ) -> None:
        self.lane = lane
        self.item = item
        self.waited = waited
        self.error = error


class Mailbox(Generic[T]):
    """Holds at most one item of each lane, on the way from their producers to the next stage.

    A producer either waits for room (`put`) or replaces what waits of its lane (`replace`). It can also ask for room before it
    starts on an item, so that no work is spent on something that then has to wait. It ends its lane with `finish`, after which
    the consumer still gets the last item; whoever wants to stop at once ends everything with `close`.

    The consumer takes the longest-waiting items first, so that no lane starves.

    Parameters
    ----------
    lanes : sequence of str
        Their names, which the attribute `lanes` gives again.
    clock : callable
        Monotonic seconds.
    notify : callable, optional
        Called after every change that a consumer who does not stand in `take` may want to know of.
    """

    def __init__(
        self, lanes: Sequence[str], clock: Clock = time.monotonic, notify: Callable[[], None] = lambda: None
    ) -> None:
        self.upstream: Optional[Mailbox[T]] = None
        """Whose consumer waits for room here; it is woken when there is some."""
        self.lanes = tuple(lanes)
        self._all = frozenset(lanes)
        self._clock = clock
        self._notify = notify
        self._lock = threading.RLock()
        # Apart, so that a change wakes nobody who has no use for it.
        self._came = threading.Condition(self._lock)
        self._left = {lane: threading.Condition(self._lock) for lane in lanes}
        self._slots: Dict[str, Tuple[T, float]] = {}  # the longest-waiting first
        self._takers = self._on_demand = 0
        self._uses: Tuple[_Use, ...] = ()  # of those who stand in `take`
        self._finished: Dict[str, Optional[BaseException]] = {}
        self._told: Set[str] = set()
        self._closed = False
        self._error: Optional[BaseException] = None

    def put(self, lane: str, item: T) -> None:
        """Leave `item` as soon as there is room. Raises `Closed` when nobody will take it."""
        with self._lock:
            self._refuse_if_closed()
            while lane in self._slots:
                self._left[lane].wait()
                self._refuse_if_closed()
            self._leave(lane, item)

    def replace(self, lane: str, item: T) -> Optional[T]:
        """Leave `item` now, and return the one of this lane that was still waiting, if any. Raises `Closed`."""
        with self._lock:
            self._refuse_if_closed()
            displaced = self._slots.get(lane)  # the newer one keeps its place in the line
            self._leave(lane, item)
            return None if displaced is None else displaced[0]

    def has_room(self, lane: str) -> bool:
        """Return whether an item of a lane that is begun now will find room. Takes no lock."""
        # Who stands in `take` with use for the lane is about to empty the only slot.
        return lane not in self._slots or (self._takers > 0 and len(self.lanes) == 1 and self._has_use_for(lane))

    def wait_for_room(self, lane: str) -> None:
        """Wait until an item that is begun now will find room. Raises `Closed`."""
        with self._lock:
            self._refuse_if_closed()
            while not self.has_room(lane):
                self._left[lane].wait()
                self._refuse_if_closed()

    def wait_until_wanted(self, lane: str) -> None:
        """Wait until the consumer stands there with empty hands, and has use for this lane. Raises `Closed`."""
        with self._lock:
            self._on_demand += 1
            try:
                self._refuse_if_closed()
                while not (self._takers > 0 and lane not in self._slots and self._has_use_for(lane)):
                    self._left[lane].wait()
                    self._refuse_if_closed()
            finally:
                self._on_demand -= 1

    def take(
        self,
        most: int = 1,
        timeout: Optional[float] = None,
        room: Optional[Callable[[str], bool]] = None,
        lanes: Optional[AbstractSet[str]] = None,
    ) -> List[Delivery[T]]:
        """Take what waits, the longest-waiting first, and each lane's end once.

        Parameters
        ----------
        most : int
            Items to take at once; it is never waited for more than one.
        timeout : float, optional
            Longest wait in seconds; without it, as long as a producer works.
        room : callable, optional
            Tells of a lane whether the consumer can take an item of it. Without locks: it is called under one.
        lanes : set of str, optional
            Those that the consumer has for itself; without it, all. Each lane is one consumer's.

        Returns
        -------
        list of Delivery
            Empty when nothing came in time.

        Raises
        ------
        Closed
            Every lane that it takes of finished and everything was taken, or the mailbox was closed.
        BaseException
            The error with which the producers failed together.
        """
        with self._lock:
            self._refuse_if_closed()
            # Before looking: who makes room meanwhile sees that there is somebody to wake.
            use = (lanes, room)
            self._takers += 1
            self._uses = (*self._uses, use)
            try:
                taken = self._take_what_waits(most, use)
                if not taken:
                    self._tell_those_on_demand()
                    taken = self._wait_and_take(most, timeout, use)
            finally:
                self._takers -= 1
                self._uses = tuple(other for other in self._uses if other is not use)
            for delivery in taken:
                self._left[delivery.lane].notify_all()
        if self.upstream is not None:
            self.upstream.tell_of_room()
        return taken

    def age(self, lane: str) -> float:
        """Return the seconds that a lane's item has waited here; 0 when there is none."""
        with self._lock:
            return self._clock() - self._slots[lane][1] if lane in self._slots else 0.0

    def finish(self, lane: str, error: Optional[BaseException] = None) -> None:
        """Note that nothing more will come of a lane; with the `error` that ended it, told after its last item."""
        with self._lock:
            if self._finished.get(lane) is None:
                self._finished[lane] = error
            self._came.notify_all()
            self._notify()

    def fail(self, error: Optional[BaseException]) -> None:
        """Note that nothing more will come of any lane; the consumer gets the `error` after the last item."""
        with self._lock:
            self._error = self._error or error
            for lane in self.lanes:
                self._finished.setdefault(lane, None)
                self._told.add(lane)
            self._came.notify_all()
            self._notify()

    def close(self) -> List[T]:
        """End it at once for both sides, and return the items that nobody will take any more."""
        with self._lock:
            self._closed = True
            self._came.notify_all()
            for left in self._left.values():
                left.notify_all()
            self._notify()
            lost = [item for item, _ in self._slots.values()]
            self._slots.clear()
            return lost

    def tell_of_room(self) -> None:
        """Wake whoever stands here for want of room behind; to be called after there is some, without a lock."""
        # Whoever comes later looks for itself, and finds the room.
        if self._takers and (self._slots or self._on_demand):
            self.wake()

    def wake(self) -> None:
        """Let those who wait here look again: there may be room behind them."""
        with self._lock:
            self._came.notify_all()
            self._tell_those_on_demand()

    def _leave(self, lane: str, item: T) -> None:
        self._slots[lane] = (item, self._clock())
        if self._takers and self._has_use_for(lane):
            self._came.notify_all()
        self._notify()

    def _tell_those_on_demand(self) -> None:
        if self._on_demand:
            for left in self._left.values():
                left.notify_all()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Closed

    def _has_use_for(self, lane: str) -> bool:
        return any(_is_for(lane, use) for use in self._uses)

    def _wait_and_take(self, most: int, timeout: Optional[float], use: _Use) -> List[Delivery[T]]:
        deadline = None if timeout is None else time.monotonic() + timeout
        taken: List[Delivery[T]] = []
        while not taken:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            self._came.wait(left)
            self._refuse_if_closed()
            taken = self._take_what_waits(most, use)
        return taken

    def _take_what_waits(self, most: int, use: _Use) -> List[Delivery[T]]:
        taken: List[Delivery[T]] = []
        if self._slots:
            now = self._clock()
            for lane in [lane for lane in self._slots if _is_for(lane, use)][:most]:
                item, left_at = self._slots.pop(lane)
                taken.append(Delivery(lane, item, now - left_at))
        if self._finished:
            own = self._all if use[0] is None else use[0]
            taken += self._take_ends(own)
            if not taken and self._told >= own and own.isdisjoint(self._slots):
                raise self._error or Closed
        return taken

    def _take_ends(self, own: AbstractSet[str]) -> List[Delivery[T]]:
        ended = [lane for lane in self._finished if lane in own and lane not in self._told and lane not in self._slots]
        self._told.update(ended)
        return [Delivery(lane, None, error=self._finished[lane]) for lane in ended]


def _is_for(lane: str, use: _Use) -> bool:
    lanes, room = use
    return (lanes is None or lane in lanes) and (room is None or room(lane))
