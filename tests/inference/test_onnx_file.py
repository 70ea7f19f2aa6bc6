"""A model file is somebody else's: it may compute what it likes, and do nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict

import onnx_bytes as write
import pytest

from fer_edge import errors
from fer_edge.inference import onnx_file
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_file import MOST_BYTES, MOST_DESCRIPTION, MOST_METADATA, MOST_PARTS, check_onnx
from fer_edge.inference.onnx_options import MOST_MEMORY
from fer_edge.inference.onnx_session import open_session

MODEL = find_model("blazeface_short")
SECRET = b"the content of a file that is none of the model's business here."
GIVES = write.value("y", write.UINT8, [64])


def passing_on(tensor: bytes, more: bytes = b"") -> bytes:
    """A network whose output is the tensor."""
    return write.graph([write.node("Identity", ["w"], ["y"])], [tensor], gives=[GIVES], more=more)


def borrowed(location: str) -> bytes:
    return write.tensor("w", write.UINT8, [64], write.outside(location))


def own(name: str = "w") -> bytes:
    return write.tensor(name, write.UINT8, [64], write.raw(bytes(64)))


def in_an_initializer(tensor: bytes) -> bytes:
    return write.model(passing_on(tensor))


def in_a_constant(tensor: bytes) -> bytes:
    constant = write.node("Constant", [], ["y"], write.attribute("value", 5, tensor, 4))
    return write.model(write.graph([constant], gives=[GIVES]))


def in_a_list_of_tensors(tensor: bytes) -> bytes:
    return write.model(write.graph([write.node("Any", [], ["y"], write.attribute("values", 10, tensor, 9))]))


def in_a_branch(tensor: bytes) -> bytes:
    branch = write.graph([write.node("Identity", ["w"], ["z"])], [tensor], gives=[write.value("z", write.UINT8, [64])])
    attributes = (write.attribute(name, 6, branch, 5) for name in ("then_branch", "else_branch"))
    choice = write.tensor("c", write.BOOL, [], write.raw(b"\1"))
    return write.model(write.graph([write.node("If", ["c"], ["y"], *attributes)], [choice], gives=[GIVES]))


def in_a_list_of_graphs(tensor: bytes) -> bytes:
    return write.model(
        write.graph([write.node("Any", [], ["y"], write.attribute("graphs", 11, passing_on(tensor), 10))])
    )


def in_the_graph_for_training(tensor: bytes) -> bytes:
    return write.model(passing_on(own()), write.field(20, write.field(2, passing_on(tensor))))


def in_a_second_graph(tensor: bytes) -> bytes:
    # A reader puts both together.
    return write.model(passing_on(own())) + write.field(7, write.field(5, tensor))


PLACES = [
    in_an_initializer,
    in_a_constant,
    in_a_list_of_tensors,
    in_a_branch,
    in_a_list_of_graphs,
    in_the_graph_for_training,
    in_a_second_graph,
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", ["absolute", "upwards", "a link", "beside the model", "memory"])
def test_a_model_that_takes_its_weights_from_another_file_is_refused(
    place: object, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "plain.bin").write_bytes(SECRET)
    (tmp_path / "models" / "link.bin").symlink_to(tmp_path / "secret")
    # ONNX Runtime's own word for an address in the process.
    locations = {"absolute": str(tmp_path / "secret"), "upwards": "../secret", "a link": "link.bin"}
    location = {**locations, "beside the model": "plain.bin", "memory": "*/_ORT_MEM_ADDR_/*"}[way]
    file = tmp_path / "models" / "greedy.onnx"
    file.write_bytes(place(borrowed(location)))  # type: ignore[operator]
    monkeypatch.chdir(file.parent)
    with pytest.raises(errors.ModelCorrupt, match=r"greedy\.onnx takes weights from other files(.|\n)*one file"):
        open_session(file, threads=1)


@pytest.mark.parametrize(
    "more",
    [
        write.field(14, 1),
        write.number(14 << 3) + b"\x81\x80\x80\x80\x10",
        b"\xf0\x80\x80\x80\x00" + b"\x01",
        write.field(13, b""),
        write.field(14, 1) + write.field(14, 0),
        write.field(14, 2),
    ],
    ids=["location alone", "a longer one", "a longer field number", "an empty entry", "taken back", "unknown location"],
)
def test_however_it_is_written_another_place_for_the_weights_is_seen(more: bytes) -> None:
    with pytest.raises(errors.ModelCorrupt, match="other files"):
        check_onnx(in_an_initializer(write.tensor("w", write.UINT8, [64], more)), "x.onnx")


def test_a_model_that_says_that_its_weights_are_inside_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "inside.onnx"
    file.write_bytes(in_an_initializer(write.tensor("w", write.UINT8, [64], write.raw(SECRET) + write.field(14, 0))))
    session = open_session(file, threads=1)
    assert bytes(session.run({})[0]) == SECRET
    session.close()


def looping(operator: str) -> bytes:
    body = write.graph([write.node("Identity", ["going"], ["on"])])
    return write.graph([write.node(operator, ["times", "going"], ["y"], write.attribute("body", 6, body, 5))])


@pytest.mark.parametrize("operator", ["Loop", "Scan", "SequenceMap", "BeamSearch", "GreedySearch", "Sampling"])
@pytest.mark.parametrize("where", ["in the graph", "in a branch", "in a list of graphs"])
def test_a_model_that_may_compute_for_ever_is_refused(operator: str, where: str, tmp_path: Path) -> None:
    graph = looping(operator)
    if where == "in a branch":
        graph = write.graph([write.node("If", ["c"], ["y"], write.attribute("else_branch", 6, graph, 5))])
    if where == "in a list of graphs":
        graph = write.graph([write.node("Any", ["c"], ["y"], write.attribute("graphs", 11, graph, 10))])
    file = tmp_path / "endless.onnx"
    file.write_bytes(write.model(graph))
    with pytest.raises(errors.ModelCorrupt, match=rf"endless\.onnx computes in a loop \({operator}\)"):
        open_session(file, threads=1)


def test_what_onnx_itself_makes_of_such_a_model_is_refused_and_taken_once_it_is_one_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    parts, whole = tmp_path / "parts.onnx", tmp_path / "whole.onnx"
    onnx.save(onnx.load(str(MODEL)), str(parts), save_as_external_data=True, size_threshold=0)
    with pytest.raises(errors.ModelCorrupt, match="other files"):
        open_session(parts, threads=1)
    onnx.save(onnx.load(str(parts)), str(whole))
    open_session(whole, threads=1).close()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (write.model(write.graph([write.node("EPContext", [], ["y"])])), "compiled engine"),
        (write.model(passing_on(own()), write.field(25, write.field(1, "f"))), "functions"),
        (write.model(passing_on(own(), write.field(15, write.field(1, own())))), "sparse"),
        (write.model(write.graph([write.node("Constant", [], ["y"], write.attribute("a", 22, b"", 11))])), "sparse"),
        (write.model(write.graph([write.node("Constant", [], ["y"], write.attribute("a", 23, b"", 12))])), "sparse"),
    ],
    ids=["an engine", "functions that may call themselves", "sparse weights", "a sparse constant", "several"],
)
def test_what_no_network_of_ours_needs_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(errors.ModelCorrupt, match=f"x.onnx .*{complaint}"):
        check_onnx(content, "x.onnx")


def deep(levels: int) -> bytes:
    inner = passing_on(own())
    for _ in range(levels):
        inner = write.graph([write.node("If", ["c"], ["y"], write.attribute("then_branch", 6, inner, 5))])
    return write.model(inner)


@pytest.mark.parametrize(
    "content",
    [
        bytes(5000),
        b"\xff" * 11,
        b"\x3b" + b"\x3c",
        write.field(7, b"")[:-1] + b"\x05",
        write.field(7, write.field(5, b"\x4a\xff\xff\xff\xff\x0f")),
        write.field(7, b"\x2a\x05") + write.field(2, "a name"),
        write.field(1, 7)[:-1],
        b"\x3d\x00\x00",
        deep(40),
        deep(3000),
    ],
    ids=[
        "zeros",
        "no end",
        "a group",
        "longer than it is",
        "huge",
        "longer than what holds it",
        "cut",
        "cut number",
        "deep",
        "very deep",
    ],
)
def test_what_is_no_protocol_buffer_is_refused(content: bytes) -> None:
    with pytest.raises(errors.ModelCorrupt, match="x.onnx is not an ONNX file, or is cut off or damaged"):
        check_onnx(content, "x.onnx")


def test_a_model_with_more_metadata_than_there_is_to_say_is_refused() -> None:
    for size, taken in ((MOST_METADATA - 100, True), (MOST_METADATA, False)):
        content = write.model(passing_on(own()), metadata={"k": "v" * size})
        if taken:
            check_onnx(content, "x.onnx")
        else:
            with pytest.raises(errors.ModelCorrupt, match="bytes of metadata"):
                check_onnx(content, "x.onnx")


def test_a_model_with_endless_description_is_refused_and_weights_are_none() -> None:
    check_onnx(write.model(passing_on(write.tensor("w", write.FLOAT, [64], write.raw(bytes(6 << 20))))), "x.onnx")
    with pytest.raises(errors.ModelCorrupt, match="beside its weights"):
        check_onnx(write.model(passing_on(own(), write.field(10, "a" * MOST_DESCRIPTION))), "x.onnx")
    entries = write.field(14, b"") * (onnx_file.MOST_RECORDS + 1)
    with pytest.raises(errors.ModelCorrupt, match="entries beside its weights"):
        check_onnx(write.model(passing_on(own()), entries), "x.onnx")


@pytest.mark.parametrize("kind", ["nodes", "weights"])
def test_a_model_of_more_parts_than_can_be_put_in_order_in_seconds_is_refused(kind: str) -> None:
    count = MOST_PARTS + 1
    nodes = [write.node("Identity", ["w"], [str(index)]) for index in range(count if kind == "nodes" else 1)]
    tensors = [own(str(index)) for index in range(count if kind == "weights" else 1)]
    with pytest.raises(errors.ModelCorrupt, match="nodes and tensors"):
        check_onnx(write.model(write.graph(nodes, tensors)), "x.onnx")


def test_a_file_of_another_size_class_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.onnx"
    with huge.open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(errors.ModelCorrupt, match=f"huge.onnx has more than {MOST_BYTES >> 20} MB"):
        open_session(huge, threads=1)


@pytest.mark.parametrize("thing", ["pipe", "zeros", "socket"])
def test_what_is_no_file_is_not_waited_for(thing: str, tmp_path: Path) -> None:
    import socket

    path = tmp_path / "thing.onnx"
    with socket.socket(socket.AF_UNIX) as listener:
        if thing == "pipe":
            os.mkfifo(path)
        elif thing == "zeros":
            path.symlink_to("/dev/zero")
        else:
            listener.bind(str(path))
        with pytest.raises(errors.ModelNotFound, match=r"thing\.onnx cannot be read"):
            open_session(path, threads=1)


def test_a_file_that_passes_for_onnx_runtimes_own_format_is_read_as_onnx(tmp_path: Path) -> None:
    # ONNX Runtime knows its own format, which was not looked into, by these letters at the fifth byte.
    content = write.field(2, b"xxORTMxxxxxxxx") + in_an_initializer(own())
    assert content[4:8] == b"ORTM"
    file = tmp_path / "two faces.onnx"
    file.write_bytes(content)
    session = open_session(file, threads=1)
    assert session.run({})[0].shape == (64,)
    session.close()


def demanding(count: int, constant: bool) -> bytes:
    """A file of 100 bytes that asks for so many numbers when it is run, or already when it is loaded."""
    size = write.tensor("n", 7, [1], write.raw(count.to_bytes(8, "little")))
    return write.model(
        write.graph(
            [write.node("ConstantOfShape", ["n"], ["y"])],
            [size] if constant else [],
            [] if constant else [write.value("n", 7, [1])],
            [write.value("y", write.FLOAT, ["k"])],
        )
    )


RUNNER = """
import sys
import numpy as np
from fer_edge.errors import ModelError
from fer_edge.inference.onnx_session import open_session
try:
    session = open_session(sys.argv[1], threads=1)
    session.run({"n": np.array([1 << 30], np.int64)} if session.inputs else {})
    answer = "it ran"
except ModelError as error:
    answer = error.message
# Not getrusage's: that begins with what the process had that started this one.
status = open("/proc/self/status").read()
print(int(status.partition("VmHWM:")[2].split()[0]) >> 10, answer)
"""


@pytest.mark.parametrize("when", ["running", "loading"])
def test_a_model_that_asks_for_more_memory_than_networks_need_is_told_and_does_not_get_it(
    when: str, tmp_path: Path
) -> None:
    file = tmp_path / "demanding.onnx"
    file.write_bytes(demanding(1 << 30, when == "loading"))
    path = os.pathsep.join([str(Path(onnx_file.__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )
    peak, _, answer = done.stdout.partition(" ")
    assert f"more memory than there is, or than the {MOST_MEMORY >> 20} MB" in answer
    assert int(peak) < 1000


def test_the_networks_that_are_here_stay_far_below_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: Dict[str, int] = {"MOST_DESCRIPTION": 50, "MOST_PARTS": 10, "MOST_RECORDS": 10, "MOST_METADATA": 500}
    for name, times in limits.items():
        monkeypatch.setattr(onnx_file, name, getattr(onnx_file, name) // times)
    folder = MODEL.parent
    for file in [*folder.glob("*.onnx"), *folder.glob("table1/*.onnx")]:
        check_onnx(file.read_bytes(), file.name)
