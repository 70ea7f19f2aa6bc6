"""Stands where systemd does, for a service that says how it is (sd_notify(3))."""

from __future__ import annotations

import socket
import time
from typing import Dict, List, Optional

from programs import eventually


class Manager:
    """A real socket that collects what services say."""

    def __init__(self, place: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(place)
        self._socket.setblocking(False)
        self._messages: List[Dict[str, str]] = []
        self.last_sign = 0.0

    def listen(self) -> None:
        while True:
            try:
                message = self._socket.recv(4096).decode()
            except BlockingIOError:
                return
            self._messages.append(dict(line.split("=", 1) for line in message.split("\n")))
            if "WATCHDOG" in self._messages[-1]:
                self.last_sign = time.monotonic()

    def heard(self) -> List[Dict[str, str]]:
        """Give what was said since the last time."""
        self.listen()
        messages, self._messages = self._messages, []
        return messages

    def signs(self) -> float:
        """Give the moment at which the last sign of life was read; 0 if there was none."""
        self.listen()
        return self.last_sign

    def wait_for(self, name: str) -> Dict[str, str]:
        """Listen until a message comes that has this name in it; gives the message."""

        def look() -> Optional[Dict[str, str]]:
            self.listen()
            for place, message in enumerate(self._messages):
                if name in message:
                    del self._messages[: place + 1]
                    return message
            return None

        return eventually(look, f"{name} from the program")

    def close(self) -> None:
        self._socket.close()
