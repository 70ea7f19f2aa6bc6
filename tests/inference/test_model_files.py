from __future__ import annotations

import argparse
import contextlib
import errno
import http.server
import os
import threading
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from fer_edge import errors
from fer_edge.cli import models as model_command
from fer_edge.detect import open_detector
from fer_edge.inference import model_files, model_pull
from fer_edge.inference.model_files import find_model, known_models, sha256_of, shipped_folder
from fer_edge.inference.model_pull import pull

MODELS = known_models()
CONTENT = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fer-edge" / "models"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest with one model, `small`, whose content is CONTENT."""
    import hashlib
    import json

    entry = {
        "name": "small",
        "file": "small.onnx",
        "role": "detector",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "bytes": len(CONTENT),
        "source": "a test",
        "licence": "MIT",
        "shipped": False,
        "url": "http://127.0.0.1:9/small.onnx",
    }
    shipped = dict(entry, name="ours", file="ours.onnx", shipped=True, url="")
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"models": [entry, shipped]}))
    monkeypatch.setattr(model_files, "shipped_folder", lambda: folder)


Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/small.onnx"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def giving(content: bytes, announced: int | None = None) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if announced is None else announced))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def left_behind(cache: Path) -> List[str]:
    return sorted(path.name for path in cache.glob("*")) if cache.is_dir() else []


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.shipped])
def test_a_shipped_file_is_the_one_of_the_manifest(name: str) -> None:
    model = MODELS[name]
    assert sha256_of(model.path) == model.sha256
    assert model.path.stat().st_size == model.bytes
    assert find_model(name) == model.path


def test_every_shipped_onnx_file_is_in_the_manifest() -> None:
    files = {path.name for path in shipped_folder().glob("*.onnx")}
    assert files == {model.file for model in MODELS.values() if model.shipped}


def test_every_model_says_its_role_its_licence_and_its_source() -> None:
    for model in MODELS.values():
        assert model.role in ("detector", "classifier")
        assert model.licence
        assert model.source
        assert model.shipped == (model.url == "")
        assert len(model.sha256) == 64


def test_the_yunet_of_the_manifest_is_the_official_file(shared: Path) -> None:
    file = shared / "models" / "face_detection_yunet_2023mar.onnx"
    assert (sha256_of(file), file.stat().st_size) == (MODELS["yunet"].sha256, MODELS["yunet"].bytes)


def test_a_path_is_found_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.touch()
    assert find_model(file) == file
    assert find_model(str(file)) == file


def test_a_name_is_found_in_the_users_cache_folder(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "mine.onnx").touch()
    assert find_model("mine") == cache / "mine.onnx"


def test_a_known_name_wins_over_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blazeface_short").touch()
    assert find_model("blazeface_short") == shipped_folder() / "blazeface_short.onnx"


def test_an_unknown_name_lists_the_known_ones() -> None:
    known = "fernet_r, fernet_r.int8, fernet_s, fernet_s.int8, fernet, fernet.int8"
    with pytest.raises(errors.ModelNotFound, match=rf"no model named 'fernot'(.|\n)*: {known}\."):
        find_model("fernot")


def test_a_model_that_was_not_fetched_says_how() -> None:
    with pytest.raises(errors.ModelNotFound, match="fer-edge models pull yunet"):
        find_model("yunet")


def changed(content: bytes) -> bytes:
    """The same size, one bit another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def test_a_fetched_model_that_was_changed_since_is_not_loaded(small: None, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "small.onnx").write_bytes(CONTENT)
    assert find_model("small") == cache / "small.onnx"
    for content in (changed(CONTENT), CONTENT[:-1], CONTENT + b"!"):
        (cache / "small.onnx").write_bytes(content)
        with pytest.raises(errors.ModelCorrupt, match=r"small\.onnx is not the file(.|\n)*models pull small"):
            find_model("small")


def test_a_changed_yunet_in_the_cache_detects_no_faces_for_whoever_changed_it(shared: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    content = (shared / "models" / "face_detection_yunet_2023mar.onnx").read_bytes()
    (cache / MODELS["yunet"].file).write_bytes(content)
    open_detector("yunet").close()
    (cache / MODELS["yunet"].file).write_bytes(changed(content))
    with pytest.raises(errors.ModelCorrupt, match="models pull yunet"):
        open_detector("yunet")


def test_a_shipped_file_that_was_damaged_since_is_not_loaded(small: None) -> None:
    (model_files.shipped_folder() / "ours.onnx").write_bytes(changed(CONTENT))
    with pytest.raises(errors.ModelCorrupt, match=r"ours\.onnx is not the file(.|\n)*Install fer-edge again"):
        find_model("ours")


@pytest.mark.parametrize("thing", ["pipe", "device", "folder"])
def test_what_is_no_file_in_the_place_of_a_model_is_not_waited_for(thing: str, small: None, cache: Path) -> None:
    cache.mkdir(parents=True)
    path = cache / "small.onnx"
    if thing == "pipe":
        os.mkfifo(path)
    elif thing == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(errors.ModelNotFound, match="models pull small"):
        find_model("small")
    assert model_files.state_of(known_models()["small"]) == "not fetched"
    with pytest.raises(OSError, match="regular file"):
        sha256_of(path)


def test_a_pipe_or_device_to_fetch_from_is_refused(small: None, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", "/dev/zero", f"file://{tmp_path}/pipe"):
        with pytest.raises(errors.ModelNotFound, match="not a regular file"):
            pull("small", url=place)


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1",
        "http://",
        "http://a b/",
        "http://x:99999/",
        "http://x:y/",
        "file://host/etc",
        "http://127.0.0.1:9/\n",
    ],
)
def test_an_address_that_is_none_is_named(address: str, small: None) -> None:
    with pytest.raises(errors.UsageError, match="is no address"):
        pull("small", url=address)


@pytest.mark.parametrize("location", ["http://[::1", "ftp://127.0.0.1:9/x", "file:///etc/passwd", "http://\x1b/"])
def test_a_server_that_sends_us_elsewhere_sends_us_to_no_other_scheme_and_into_no_traceback(
    location: str, small: None, cache: Path
) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.end_headers()

    with serving(answer) as url, pytest.raises(errors.ModelNotFound, match="cannot be fetched"):
        pull("small", url=url)
    assert left_behind(cache) == []


def test_what_a_server_writes_does_not_steer_the_terminal(small: None) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 404 \x1b[2J\x1b]0;owned\x07\r\n\r\n")

    with serving(answer) as url, pytest.raises(errors.ModelNotFound, match=r"404 \?\[2J\?]0;owned\?") as caught:
        pull("small", url=url)
    assert "\x1b" not in str(caught.value)


def test_a_fetched_model_can_be_read_by_the_services_user_and_written_by_nobody_else(small: None, cache: Path) -> None:
    before = os.umask(0)
    try:
        with serving(giving(CONTENT)) as url:
            path = pull("small", url=url)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    assert cache.stat().st_mode & 0o777 == 0o755


def test_without_a_cache_variable_the_cache_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert model_files.cache_folder() == tmp_path / ".cache" / "fer-edge" / "models"


def test_pull_fetches_the_file_and_find_model_finds_it(small: None, cache: Path) -> None:
    lines: List[str] = []
    with serving(giving(CONTENT)) as url:
        path = pull("small", lines.append, url=url)
    assert path == cache / "small.onnx"
    assert path.read_bytes() == CONTENT
    assert find_model("small") == path
    assert left_behind(cache) == ["small.onnx"]
    assert lines[-2:] == ["small: 256 of 256 KB", ""]


def test_pull_leaves_a_file_alone_that_is_right_already(small: None, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "small.onnx").write_bytes(CONTENT)
    assert pull("small", url="http://127.0.0.1:9/never-asked") == cache / "small.onnx"


def test_pull_replaces_a_damaged_file(small: None, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "small.onnx").write_bytes(CONTENT[:-1])
    with serving(giving(CONTENT)) as url:
        assert pull("small", url=url).read_bytes() == CONTENT


def test_pull_follows_a_redirect(small: None) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        if handler.path == "/small.onnx":
            handler.send_response(302)
            handler.send_header("Location", "/elsewhere")
            handler.end_headers()
        else:
            giving(CONTENT)(handler)

    with serving(answer) as url:
        assert pull("small", url=url).read_bytes() == CONTENT


def test_pull_takes_a_file_of_this_machine(small: None, tmp_path: Path) -> None:
    carried = tmp_path / "carried over.onnx"
    carried.write_bytes(CONTENT)
    assert pull("small", url=carried).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (CONTENT[:-1] + b"!", "sha256 .* instead of"),
        (CONTENT[:1000], "1000 bytes instead of 256000"),
        (CONTENT + b"!", "more than the 256000 bytes"),
        (b"", "0 bytes instead of 256000"),
    ],
    ids=["one byte differs", "too short", "too long", "empty"],
)
def test_another_file_is_refused_and_not_kept(content: bytes, complaint: str, small: None, cache: Path) -> None:
    with serving(giving(content)) as url, pytest.raises(errors.ModelCorrupt, match=complaint):
        pull("small", url=url)
    assert left_behind(cache) == []


def test_a_failed_pull_leaves_the_old_file_in_place(small: None, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "small.onnx").write_bytes(b"old")
    with serving(giving(b"wrong")) as url, pytest.raises(errors.ModelCorrupt):
        pull("small", url=url)
    assert (cache / "small.onnx").read_bytes() == b"old"
    assert left_behind(cache) == ["small.onnx"]


def test_an_endless_answer_ends_at_the_size_of_the_model(small: None, cache: Path) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(1 << 16))

    with serving(answer) as url, pytest.raises(errors.ModelCorrupt, match="more than the 256000 bytes"):
        pull("small", url=url)
    assert left_behind(cache) == []


def test_a_connection_that_breaks_off_is_an_error(small: None, cache: Path) -> None:
    with serving(giving(CONTENT[:5000], announced=len(CONTENT))) as url, pytest.raises(errors.ModelError):
        pull("small", url=url)
    assert left_behind(cache) == []


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://host:99999/x", "file://[", "http://[nothing]/x", "ftp://host/x"]
)
def test_an_address_that_is_none_is_refused_by_its_name(url: str, small: None, cache: Path) -> None:
    with pytest.raises(errors.UsageError) as caught:
        pull("small", url=url)
    assert url in str(caught.value)
    assert not cache.exists() or left_behind(cache) == []


@pytest.mark.parametrize("url", ["http://a..b/x", "http://\u00e9..x/", "http://127.0.0.1:9/\udcff"])
def test_a_host_that_no_name_service_can_be_asked_for_is_no_traceback(url: str, small: None, cache: Path) -> None:
    with pytest.raises(errors.ModelNotFound, match="cannot be fetched from"):
        pull("small", url=url)
    assert left_behind(cache) == []


def test_a_server_that_says_nothing_is_given_up_on(small: None, cache: Path) -> None:
    stop = threading.Event()
    with serving(lambda _handler: stop.wait(30) and None) as url:
        with pytest.raises(errors.ModelNotFound, match=r"cannot be fetched.*timed out(.|\n)*--from FILE"):
            pull("small", url=url, timeout=0.3)
        stop.set()
    assert left_behind(cache) == []


def test_a_server_that_drips_is_given_up_on_at_the_deadline(small: None, cache: Path) -> None:
    stop = threading.Event()

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for byte in CONTENT:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if stop.wait(0.02):
                return

    ticks = iter(range(1000))
    with serving(answer) as url:
        with pytest.raises(errors.ModelNotFound, match=r"took too long \(\d+ of 256000 bytes came\)"):
            pull("small", url=url, deadline=3.0, clock=lambda: float(next(ticks)))
        stop.set()
    assert left_behind(cache) == []


def test_a_page_that_is_not_there_is_named_with_the_servers_answer(small: None) -> None:
    with serving(lambda handler: handler.send_error(404)) as url, pytest.raises(errors.ModelNotFound, match="404"):
        pull("small", url=url)


def test_an_unreachable_publisher_is_named_with_another_way(small: None) -> None:
    with pytest.raises(errors.ModelNotFound, match=r"http://127.0.0.1:9/(.|\n)*--from FILE"):
        pull("small")


def test_a_missing_local_file_is_named(small: None, tmp_path: Path) -> None:
    with pytest.raises(errors.ModelNotFound, match="nowhere"):
        pull("small", url=tmp_path / "nowhere")


def test_another_scheme_is_refused(small: None) -> None:
    with pytest.raises(errors.UsageError, match="by ftp"):
        pull("small", url="ftp://127.0.0.1/small.onnx")


def test_a_name_that_nobody_publishes_is_refused(small: None) -> None:
    with pytest.raises(errors.ModelNotFound, match="Known names: small, ours"):
        pull("large")
    with pytest.raises(errors.ModelCorrupt, match="Install fer-edge again"):
        pull("ours")


def test_a_cache_folder_that_cannot_be_made_is_named(small: None, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with serving(giving(CONTENT)) as url, pytest.raises(errors.OutputNotWritable, match="cache"):
        pull("small", url=url)


def test_a_full_disk_is_told_apart_and_leaves_nothing(
    small: None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_pull.os, "fsync", full)
    with serving(giving(CONTENT)) as url, pytest.raises(errors.DiskFull, match="No space left"):
        pull("small", url=url)
    assert left_behind(cache) == []


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    model_command.add_models_arguments(parser)
    return model_command.run_models(parser.parse_args(arguments))


def test_the_verb_lists_every_model_with_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert set(MODELS) < set(rows)
    assert " ok " in rows["blazeface_short"]
    assert "not fetched" in rows["yunet"]


def test_a_damaged_shipped_file_is_listed_as_damaged(small: None, capsys: pytest.CaptureFixture[str]) -> None:
    (model_files.shipped_folder() / "ours.onnx").write_bytes(CONTENT[:-1])
    run("list")
    assert "damaged" in capsys.readouterr().out


def test_the_verb_pulls_and_says_where_the_file_is(
    small: None, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(giving(CONTENT)) as url:
        assert run("pull", "small", "--from", url) == 0
    assert str(cache / "small.onnx") in capsys.readouterr().out


@pytest.mark.parametrize("who", ["ann:secret", "secret", ":secret", "ann:secret%40"])
def test_an_address_with_a_password_is_refused_and_not_shown(who: str) -> None:
    from fer_edge.errors import UsageError
    from fer_edge.inference.model_pull import _address

    with pytest.raises(UsageError, match="password in the address") as caught:
        _address(f"http://{who}@host/model.onnx")
    assert "secret" not in str(caught.value)
