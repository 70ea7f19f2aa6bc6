"""Fetches a model from its publisher. Nothing is kept that is not, byte for byte, the file of the manifest."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Union

from fer_edge import errors
from fer_edge.inference.model_files import KnownModel, known_models, state_of
from fer_edge.system.atomic_file import ALL_READ, Draft, replacing
from fer_edge.system.disk_full import is_disk_full
from fer_edge.system.new_file import make_folders
from fer_edge.system.progress import Progress
from fer_edge.system.regular_file import open_regular
from fer_edge.version import __version__

TIMEOUT = 20.0
"""Seconds without an answer after which a server counts as unreachable."""

DEADLINE = 600.0
"""Seconds for the whole file."""

_CHUNK = 1 << 16

# The default one goes on with ftp where a server sends it there.
_OPENER = urllib.request.OpenerDirector()
for _handler in (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.UnknownHandler,
):
    _OPENER.add_handler(_handler())


def pull(
    name: str,
    progress: Optional[Progress] = None,
    *,
    url: Optional[Union[str, os.PathLike[str]]] = None,
    timeout: float = TIMEOUT,
    deadline: float = DEADLINE,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Fetch a known model into the user's cache folder, unless the right file is there already.

    Parameters
    ----------
    name : str
        Of a model that is not shipped.
    progress : callable, optional
        Is given a line to show, and an empty one at the end.
    url : str or path, optional
        Another place: http, https, or a file on this machine, as for a board without network. The sha256 must be
        the same.
    timeout, deadline : float
        Seconds to wait for the next bytes, and for the whole file.
    clock : callable
        Monotonic seconds.

    Returns
    -------
    Path
        The file, checked.

    Raises
    ------
    ModelNotFound
        No such model, or it cannot be fetched from there.
    ModelCorrupt
        What came is another file; it was not kept.
    OutputNotWritable, DiskFull
        The cache folder.
    """
    known = known_models()
    if name not in known:
        raise errors.ModelNotFound(f"There is no known model named '{name}'.", f"Known names: {', '.join(known)}.")
    model = known[name]
    if state_of(model) == "ok":
        return model.path
    if model.shipped:
        raise errors.ModelCorrupt(
            f"The shipped file {model.path} is missing or damaged, and is not published for itself.",
            "Install fer-edge again.",
        )
    address = _address(url if url is not None else model.url)
    show = progress or _ignore
    with _new_file(model.path) as draft:
        _fetch(model, address, draft, show, timeout, clock() + deadline, clock)
    show("")
    return model.path


def _ask(address: str, timeout: float) -> Any:
    request = urllib.request.Request(address, headers={"User-Agent": f"fer-edge/{__version__}"})  # noqa: S310
    return _OPENER.open(request, timeout=timeout)


def _fetch(
    model: KnownModel,
    address: Union[str, Path],
    target: Draft,
    show: Progress,
    timeout: float,
    end: float,
    clock: Callable[[], float],
) -> None:
    digest = hashlib.sha256()
    done = 0
    with _unreachable_as_error(model, address):
        response = open_regular(address) if isinstance(address, Path) else _ask(address, timeout)
    with response:
        while True:
            with _unreachable_as_error(model, address):
                # read1 gives what has come; read would wait for the whole chunk past the deadline.
                chunk = response.read1(_CHUNK) if hasattr(response, "read1") else response.read(_CHUNK)
            if not chunk:
                break
            done += len(chunk)
            if done > model.bytes:
                raise _wrong_file(model, address, f"more than the {model.bytes} bytes that it should have")
            if clock() > end:
                raise _unreachable(model, address, f"it took too long ({done} of {model.bytes} bytes came)")
            digest.update(chunk)
            target.write(chunk)
            show(f"{model.name}: {done // 1000} of {model.bytes // 1000} KB")
    if done < model.bytes:
        raise _wrong_file(model, address, f"{done} bytes instead of {model.bytes}")
    if digest.hexdigest() != model.sha256:
        raise _wrong_file(model, address, f"sha256 {digest.hexdigest()} instead of {model.sha256}")


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[Draft]:
    """Open a file that takes the name `path` when all went well, and leaves no trace otherwise."""
    try:
        make_folders(path.parent, 0o755)
        with replacing(path, ALL_READ) as draft:
            yield draft
    except OSError as error:
        kind = errors.DiskFull if is_disk_full(error) else errors.OutputNotWritable
        raise kind(
            f"The model cannot be written to {path.parent}: {error.strerror or error}.",
            "Free some space or mend the folder's permissions; or set XDG_CACHE_HOME to another folder.",
        ) from error


@contextlib.contextmanager
def _unreachable_as_error(model: KnownModel, address: Union[str, Path]) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise _unreachable(model, address, f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _unreachable(model, address, str(error.reason)) from error
    # A ValueError comes of an address that a server sends us on to.
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unreachable(model, address, str(error) or type(error).__name__) from error


def _unreachable(model: KnownModel, address: Union[str, Path], why: str) -> errors.ModelNotFound:
    # What a server writes must not steer a terminal.
    plain = "".join(letter if letter.isprintable() else "?" for letter in why)
    return errors.ModelNotFound(
        f"The model '{model.name}' cannot be fetched from {address}: {plain}.",
        f"Check the network; or fetch the file on another machine and give it with:  "
        f"fer-edge models pull {model.name} --from FILE",
    )


def _wrong_file(model: KnownModel, address: Union[str, Path], what: str) -> errors.ModelCorrupt:
    return errors.ModelCorrupt(
        f"What {address} gives is not the model '{model.name}': {what}. It was not kept.",
        "Try again; if it stays so, the publisher has changed the file.",
    )


def _address(url: Union[str, os.PathLike[str]]) -> Union[str, Path]:
    """Return an address of http or https, or the path of a file of this machine."""
    text = os.fspath(url)
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if not scheme:
        return Path(text)
    if scheme not in ("http", "https", "file"):
        raise errors.UsageError(f"A model cannot be fetched by {scheme} ({text}).", "Give http(s) or a file.")
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.hostname, parts.port
        if host and "[" in parts.netloc:  # which Python itself looks at from 3.11.4 on
            ipaddress.ip_address(host.partition("%")[0])
    except ValueError as error:
        raise errors.UsageError(f"{text} is no address: {error}.", "Give http(s)://HOST/FILE, or a file.") from error
    if parts.username is not None or parts.password is not None:
        raise errors.UsageError(
            "A model is not fetched with a user's name and password in the address.",
            "Fetch the file yourself, and give it with --from FILE.",
        )
    if scheme == "file" and host in (None, "localhost"):
        return Path(urllib.request.url2pathname(parts.path))
    if scheme == "file" or not host or any(letter <= " " for letter in text):
        raise errors.UsageError(f"{text!r} is no address.", "Give http(s)://HOST/FILE, or a file.")
    return text


def _ignore(_line: str) -> None:
    pass
