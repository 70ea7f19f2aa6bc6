"""What the sinks of a live run may ask of it."""

from __future__ import annotations

from typing import Callable, Optional, Sequence, Tuple

from fer_edge.board.state import BoardState
from fer_edge.board.temperature import hottest
from fer_edge.pipeline.lane import Lane
from fer_edge.pipeline.session import Session
from fer_edge.service.health import Health
from fer_edge.types import FrameBalance, Observation, Rates


class SessionView:
    """Answers from a session, from what is said of its health, and from the board. Any thread may ask.

    Parameters
    ----------
    session : Session
        The run's.
    health : callable
        Says how the run is.
    board : callable
        Gives how the board was when it was read last; reads nothing itself.
    model : str
        The network, as the settings name it.
    show : callable, optional
        Takes what the web page is to show.
    """

    def __init__(
        self,
        session: Session,
        health: Callable[[], Health],
        board: Callable[[], BoardState],
        model: str,
        show: Optional[Callable[[Observation, Rates], None]] = None,
    ) -> None:
        self.cameras: Sequence[str] = tuple(lane.name for lane in session.lanes)
        self.model = model
        self.show = show
        self._session = session
        self._health = health
        self._board = board

    def rates(self, camera: Optional[str] = None) -> Rates:
        """Return the FPS figures of a camera, or of the session."""
        if camera is None:
            return self._session.rates()
        lane = self._lane(camera)
        return Rates() if lane is None else lane.rates()

    def balance(self, camera: Optional[str] = None) -> FrameBalance:
        """Return what became of the frames of a camera, or of the session."""
        if camera is None:
            return self._session.balance()
        lane = self._lane(camera)
        return FrameBalance(0, 0, 0, 0) if lane is None else lane.balance()

    def trouble(self, camera: str) -> str:
        """Return what is wrong with the source of a camera; empty while it works."""
        lane = self._lane(camera)
        return "" if lane is None else lane.trouble()

    def temperature(self) -> Optional[float]:
        """Return what the board's hottest zone had when it was read last."""
        zone = hottest(self._board().zones)
        return None if zone is None else zone.now

    def health(self) -> Tuple[str, Sequence[str]]:
        """Return how the run is, and why."""
        health = self._health()
        return health.status, health.reasons

    def _lane(self, camera: str) -> Optional[Lane]:
        return next((lane for lane in self._session.lanes if lane.name == camera), None)
