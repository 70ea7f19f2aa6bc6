"""With what a server is spoken to: its address, who we are, whom we trust, and what it is asked for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Optional

from fer_edge.classify.remote.address import ServerAddress
from fer_edge.classify.remote.tally import ServerTally
from fer_edge.errors import UsageError
from fer_edge.system.credentials import TlsFiles, load_certificates, secret_in
from fer_edge.system.masking import printable

NO_FILES = TlsFiles("", "", "", "server")

LOCAL, NONE = "local", "none"
"""What answers where the server does not: the network on this machine, or nothing."""


@dataclass(frozen=True)
class ServerAccess:
    """With what a server is spoken to.

    Attributes
    ----------
    address : ServerAddress
        Where it is.
    model : str
        What the network is called there; empty for the name of the local file.
    deadline : float
        Seconds in which a request must be answered.
    fallback : str
        `LOCAL` or `NONE`.
    token : str
        Sent as ``Authorization: Bearer``; empty for none.
    files : TlsFiles
        Whom to trust, and what to show, for what reads files itself.
    tls : SSLContext or None
        The same as Python has it; None where nothing is encrypted.
    patient : bool
        Whether a server that does not answer at the start is waited for, while the local network answers.
    tally : ServerTally
        Counts over the whole run.
    """

    address: ServerAddress
    model: str = ""
    deadline: float = 0.2
    fallback: str = LOCAL
    token: str = field(default="", repr=False)
    files: TlsFiles = NO_FILES
    tls: Optional[ssl.SSLContext] = None
    patient: bool = False
    tally: ServerTally = field(default_factory=ServerTally, repr=False, compare=False)

    def quoted(self, text: str) -> str:
        """Return what a server said as a message may show it: without the token, which some repeat."""
        # Before it is cut to a length, which may be within the token.
        return printable(text.replace(self.token, "***") if self.token else text)


def token_of(token: str, token_file: str) -> str:
    """Return the token that settings give in one of two ways; empty where in none.

    Raises
    ------
    UsageError
        Both are given.
    SettingsError
        The file cannot be read, holds no token, or everybody can read it.
    """
    if token and token_file:
        raise UsageError("There are a server_token and a server_token_file.", "Leave out one of the two.")
    found = secret_in(token_file, "server_token_file", "token") if token_file else token
    if not all("!" <= letter <= "~" for letter in found):
        raise UsageError(
            "The token for the server holds what no header can carry, such as a space.", "Write the token, and no more."
        )
    return found


def context_for(address: ServerAddress, files: TlsFiles) -> Optional[ssl.SSLContext]:
    """Return what checks the server's certificate and the name in it; None where nothing is encrypted.

    Raises
    ------
    UsageError
        Files are named, and nothing is encrypted; or a key without a certificate.
    SettingsError
        A file is missing, cannot be read, or holds something else.
    """
    if not address.tls:
        safe = f"{address.scheme}s://{address.host}"
        files.refuse_without_tls(str(address), f"Write {safe}")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificates(context, files)
    return context
