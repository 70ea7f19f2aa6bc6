"""Tells systemd how the service is, as sd_notify(3) describes: datagrams to the socket that ``$NOTIFY_SOCKET`` names."""

from __future__ import annotations

import logging
import os
import re
import socket
from typing import MutableMapping, Optional

logger = logging.getLogger("fer_edge")


class Notifier:
    """Sends messages to the service manager; does nothing where there is none. Never blocks, and never fails.

    Parameters
    ----------
    address : str
        Of a datagram socket; ``@`` at its beginning stands for Linux's abstract names. Empty for no service manager.
    watchdog : float, optional
        Seconds within which the service manager wants a sign of life, if it does.
    """

    def __init__(self, address: str = "", watchdog: Optional[float] = None) -> None:
        self.watchdog = watchdog
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: Optional[socket.socket] = None
        if address:
            try:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            except OSError as error:
                logger.warning("the service manager cannot be told anything: %s", error)

    @classmethod
    def from_environment(cls, environment: Optional[MutableMapping[str, str]] = None) -> Notifier:
        """Return a notifier of what systemd said in the environment, where no child process finds it any more."""
        environment = os.environ if environment is None else environment
        address = environment.pop("NOTIFY_SOCKET", "")
        period, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        microseconds = int(period) if _MICROSECONDS.fullmatch(period) and pid in ("", str(os.getpid())) else 0
        return cls(address if address[:1] in ("/", "@") else "", microseconds / 1e6 or None)

    @property
    def active(self) -> bool:
        """Return whether there is a service manager."""
        return self._socket is not None

    def send(self, **fields: object) -> bool:
        """Send one message of ``NAME=value`` lines, such as ``READY=1`` and ``STATUS=...``.

        Returns
        -------
        bool
            False when the service manager could not take it now; it keeps few messages that it has not read.
        """
        if self._socket is None:
            return True
        message = "\n".join(f"{name}={str(value).translate(_ONE_LINE)}" for name, value in fields.items())
        try:
            self._socket.sendto(message.encode("utf-8", "replace"), self._address)
        except OSError as error:
            logger.debug("the service manager could not be told %s: %s", message, error)
            return False
        return True

    def close(self) -> None:
        """Close the socket. May be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


_MICROSECONDS = re.compile("[0-9]{1,20}")
"""A number of 64 bits, as systemd has it; `int` would take other scripts' digits, and as many as there are."""

_ONE_LINE = {ord("\n"): " ", ord("\r"): " "}
