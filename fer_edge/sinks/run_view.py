"""What a sink may ask of the run, beside the observations that it gets; and a run of which all is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Mapping, Optional, Protocol, Sequence, Tuple

# Not from types, which loads numpy: the command line needs this module, and has to tell of a numpy that does not load.
from fer_edge.frame_balance import FrameBalance
from fer_edge.rates import Rates

if TYPE_CHECKING:
    from fer_edge.types import Observation

    Show = Callable[[Observation, Rates], None]
    """Takes a result, and the figures of its camera."""


class RunView(Protocol):
    """A run, as a sink sees it. Every call is cheap, and any thread may ask."""

    @property
    def cameras(self) -> Sequence[str]:
        """The names of all cameras."""

    @property
    def model(self) -> str:
        """The network, as the settings name it."""

    @property
    def show(self) -> Optional[Show]:
        """What takes the results that the web page shows; None in a run without one."""

    def rates(self, camera: Optional[str] = None) -> Rates:
        """Return the FPS figures of a camera, or of all together; none for a camera that is not known."""

    def balance(self, camera: Optional[str] = None) -> FrameBalance:
        """Return what became of the frames of a camera, or of all together; zeros for a camera that is not known."""

    def trouble(self, camera: str) -> str:
        """Return why a camera gives nothing now, for people; empty where it does."""

    def temperature(self) -> Optional[float]:
        """Return that of the board's hottest zone, in degrees Celsius; None where no sensor tells."""

    def health(self) -> Tuple[str, Sequence[str]]:
        """Return ``healthy``, ``degraded`` or ``down``, as `fer_edge.service.health` means them, and the reasons."""


@dataclass(frozen=True)
class KnownRun:
    """A run of which all is said beforehand; one of which nothing is known, if nothing is said. For tests and notebooks.

    Attributes
    ----------
    cameras : sequence of str
        Their names.
    model : str
        The network.
    of_cameras : mapping of str to Rates
        By camera; by None of all together.
    balances : mapping of str to FrameBalance
        The same.
    troubles : mapping of str to str
        By camera.
    degrees : float, optional
        Celsius.
    state : str
        As `fer_edge.service.health` has it.
    reasons : sequence of str
        Of that.
    show : callable, optional
        Takes what a web page is to show.
    """

    cameras: Sequence[str] = ()
    model: str = ""
    of_cameras: Mapping[Optional[str], Rates] = field(default_factory=dict)
    balances: Mapping[Optional[str], FrameBalance] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)
    degrees: Optional[float] = None
    state: str = "healthy"
    reasons: Sequence[str] = ()
    show: Optional[Show] = None

    def rates(self, camera: Optional[str] = None) -> Rates:
        """Return what was said of it; else nothing but zeros."""
        return self.of_cameras.get(camera, Rates())

    def balance(self, camera: Optional[str] = None) -> FrameBalance:
        """Return what was said of it; else zeros."""
        return self.balances.get(camera, FrameBalance(0, 0, 0, 0))

    def trouble(self, camera: str) -> str:
        """Return what was said of it; else that there is none."""
        return self.troubles.get(camera, "")

    def temperature(self) -> Optional[float]:
        """Return what was said."""
        return self.degrees

    def health(self) -> Tuple[str, Sequence[str]]:
        """Return what was said."""
        return self.state, self.reasons
