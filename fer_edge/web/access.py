"""Who may ask: those who know the token, or logged in with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from typing import Deque, List

from fer_edge.system.clock import Clock
from fer_edge.web.refusal import Refusal

SESSION_SECONDS = 7 * 86400.0
"""How long somebody stays logged in; no longer than the program runs."""

MOST_SESSIONS = 100
"""Of more, the oldest ends."""

MOST_WRONG, WRONG_SECONDS = 10, 60.0
"""Wrong tokens from one peer within so many seconds, after which it is not listened to until they are over: at 10 a minute, a
word of eight random letters and digits is found in millions of years."""

_MOST_PEERS = 1024

_UNKNOWN = (
    "The token is missing or wrong.",
    "Send it as  Authorization: Bearer TOKEN  or log in at /login; it is the program's FER_EDGE_TOKEN.",
)


class Access:
    """Knows the token and those who are logged in. Called in the server's thread alone.

    Parameters
    ----------
    token : str
        Empty where everybody is answered.
    port : int
        Stands in the cookie's name: a host's ports share their cookies.
    secure : bool
        Whether the cookie is sent over TLS only.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(self, token: str, port: int, secure: bool, clock: Clock = time.monotonic) -> None:
        self._token = token.encode()
        self._secure = secure
        self._clock = clock
        self._sessions: OrderedDict[bytes, float] = OrderedDict()
        self._wrong: OrderedDict[str, Deque[float]] = OrderedDict()
        self.cookie = f"fer-edge-{port}"

    @property
    def needed(self) -> bool:
        """Whether there is a token at all."""
        return bool(self._token)

    def knows(self, authorization: str, peer: str) -> bool:
        """Return whether a header ``Authorization`` holds the token.

        Raises
        ------
        Refusal
            It does not, or too many from that peer did not. Without the header nothing is raised.
        """
        scheme, _, word = authorization.partition(" ")
        if scheme.lower() != "bearer" or not word.strip():
            return False
        self._check(word.strip(), peer)
        return True

    def log_in(self, word: str, peer: str) -> str:
        """Return the cookie of somebody who gives the token. Raises `Refusal` as `knows`."""
        self._check(word, peer)
        session = secrets.token_urlsafe(32)
        self._sessions[_digest(session)] = self._clock() + SESSION_SECONDS
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return self._cookie(session, int(SESSION_SECONDS))

    def log_out(self, header: str) -> str:
        """End the session that a header ``Cookie`` names, and return the cookie that takes its place."""
        for session in self._named_in(header):
            self._sessions.pop(_digest(session), None)
        return self._cookie("", 0)

    def is_logged_in(self, header: str) -> bool:
        """Return whether a header ``Cookie`` names a session that goes on."""
        now = self._clock()
        return any(now < self._sessions.get(_digest(session), now) for session in self._named_in(header))

    def refusal(self) -> Refusal:
        """Return what is said to who is neither; the same to everybody."""
        return Refusal(401, *_UNKNOWN, {"WWW-Authenticate": "Bearer"})

    def _check(self, word: str, peer: str) -> None:
        now = self._clock()
        wrong = self._wrong.get(peer)
        while wrong and now - wrong[0] >= WRONG_SECONDS:
            wrong.popleft()
        # Not even the right one is taken then: else the answers would tell which one it is.
        if wrong is not None and len(wrong) >= MOST_WRONG:
            wait = int(WRONG_SECONDS - (now - wrong[0])) + 1
            raise Refusal(
                429, "Too many wrong tokens came from there.", f"Wait for {wait} s.", {"Retry-After": str(wait)}
            )
        if hmac.compare_digest(word.encode("utf-8", "surrogateescape"), self._token):
            return
        if wrong is None:
            wrong = self._wrong[peer] = deque()
            while len(self._wrong) > _MOST_PEERS:
                self._wrong.popitem(last=False)
        wrong.append(now)
        raise self.refusal()

    def _named_in(self, header: str) -> List[str]:
        """Return every value of our cookie: others of the host may be no cookies at all, or have our name."""
        pairs = (part.strip().partition("=") for part in header.split(";"))
        return [value for name, _, value in pairs if name == self.cookie and value]

    def _cookie(self, value: str, seconds: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def _digest(session: str) -> bytes:
    """Return what is kept of a session: how long a look-up takes then tells nothing of its name."""
    return hashlib.sha256(session.encode("utf-8", "replace")).digest()
