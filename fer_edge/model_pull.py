"""Fetches a model from its publisher. Nothing is kept that is not, byte for byte, the file of the manifest."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import BinaryIO, Callable, Iterator, Optional, Union

from fer_edge import errors
from fer_edge.model_files import KnownModel, Progress, known_models, sha256_of
from fer_edge.version import __version__

TIMEOUT = 20.0
"""Seconds without an answer after which a server counts as unreachable."""

DEADLINE = 600.0
"""Seconds for the whole file."""

_CHUNK = 1 << 16


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
    if model.path.is_file() and sha256_of(model.path) == model.sha256:
        return model.path
    if model.shipped:
        raise errors.ModelCorrupt(
            f"The shipped file {model.path} is missing or damaged, and is not published for itself.",
            "Install fer-edge again.",
        )
    address = _address(url if url is not None else model.url)
    show = progress or _ignore
    with _new_file(model.path) as stream:
        _fetch(model, address, stream, show, timeout, clock() + deadline, clock)
    show("")
    return model.path


def _fetch(
    model: KnownModel,
    address: str,
    target: BinaryIO,
    show: Progress,
    timeout: float,
    end: float,
    clock: Callable[[], float],
) -> None:
    digest = hashlib.sha256()
    done = 0
    with _unreachable_as_error(model, address):
        request = urllib.request.Request(address, headers={"User-Agent": f"fer-edge/{__version__}"})  # noqa: S310
        response = urllib.request.urlopen(request, timeout=timeout)  # noqa: S310  (_address let three schemes through)
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
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the name `path` when all went well, and leaves no trace otherwise."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
            temporary = Path(stream.name)
            yield stream  # type: ignore[misc]
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        kind = errors.DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else errors.OutputNotWritable
        raise kind(
            f"The model cannot be written to {path.parent}: {error.strerror or error}.",
            "Free some space or mend the folder's permissions; or set XDG_CACHE_HOME to another folder.",
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def _unreachable_as_error(model: KnownModel, address: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise _unreachable(model, address, f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _unreachable(model, address, str(error.reason)) from error
    except (
        OSError,
        http.client.HTTPException,
        ValueError,
    ) as error:  # the last where a host's name has no form for the network
        raise _unreachable(model, address, str(error) or type(error).__name__) from error


def _unreachable(model: KnownModel, address: str, why: str) -> errors.ModelNotFound:
    return errors.ModelNotFound(
        f"The model '{model.name}' cannot be fetched from {address}: {why}.",
        f"Check the network; or fetch the file on another machine and give it with:  "
        f"fer-edge models pull {model.name} --from FILE",
    )


def _wrong_file(model: KnownModel, address: str, what: str) -> errors.ModelCorrupt:
    return errors.ModelCorrupt(
        f"What {address} gives is not the model '{model.name}': {what}. It was not kept.",
        "Try again; if it stays so, the publisher has changed the file.",
    )


def _address(url: Union[str, os.PathLike[str]]) -> str:
    text = os.fspath(url)
    scheme = text.partition("://")[0] if "://" in text else ""
    if not scheme:
        return Path(text).resolve().as_uri()
    try:
        urllib.parse.urlsplit(text).port  # noqa: B018  (it is looked at here for the first time)
    except ValueError as error:
        raise errors.UsageError(f"{text} is no valid address: {error}.", "Check its host and port.") from error
    if scheme.lower() not in ("http", "https", "file"):
        raise errors.UsageError(f"A model cannot be fetched by {scheme} ({text}).", "Give http(s) or a file.")
    return text


def _ignore(_line: str) -> None:
    pass
