from __future__ import annotations

import ast
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Optional, Set

import pytest

from fer_edge.classify.backend_choice import candidates
from fer_edge.errors import LibraryUnusable, MissingExtra, OutOfMemory
from fer_edge.system.libraries import EXTRAS, PACKAGES, import_failure, import_library, needing

ROOT = Path(__file__).parents[2]
BROUGHT_BY_JETPACK = {"tensorrt"}
BROUGHT_BY_ANOTHER = {"anyio": "starlette", "click": "uvicorn"}

NUMPY = """
IMPORTANT: PLEASE READ THIS FOR ADVICE ON HOW TO SOLVE THIS ISSUE!

Original error was: libopenblas.so.0: cannot open shared object file: No such file or directory
"""
STUBS = {
    "libGL": "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory', name='cv2')",
    "no memory": "raise ImportError('libx.so: failed to map segment from shared object')",
    "MemoryError": "raise MemoryError",
    "ctypes": "import ctypes; ctypes.CDLL('libnowhere.so.7')",
    "another's": "import no_such_module",
    "numpy": f"raise ImportError({NUMPY!r})",
}


WATCH = ("--display", "none", "--camera", "demo", "--frames", "2")


def run(
    *arguments: str, path: Optional[Path] = None, limit: int = 0, verb: bool = False
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FER_EDGE_")}
    kept["OPENBLAS_NUM_THREADS"] = "1"  # older ones wait for memory for ever
    kept["PYTHONPATH"] = os.pathsep.join(map(str, filter(None, [path, ROOT])))
    return subprocess.run(
        [sys.executable, "-m", "fer_edge", *(() if verb else WATCH), *arguments],
        capture_output=True,
        text=True,
        env=kept,
        timeout=120,
        check=False,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limit else None,
    )


def stub(folder: Path, module: str, text: str) -> Path:
    (folder / module).mkdir(parents=True)
    (folder / module / "__init__.py").write_text(text + "\n")
    return folder


@pytest.mark.parametrize("how", STUBS)
@pytest.mark.parametrize("module", ["onnxruntime", "cv2", "prometheus_client", "h11", "numpy"])
def test_a_library_that_is_there_and_does_not_load_is_not_told_as_one_that_is_not_installed(
    how: str, module: str, tmp_path: Path
) -> None:
    done = run("--listen", "1", path=stub(tmp_path, module, STUBS[how]))
    assert done.returncode == LibraryUnusable.exit_code, done.stderr
    assert "which is installed, but does not load" in done.stderr
    assert "not installed" not in done.stderr
    assert "Traceback" not in done.stderr
    words = {"ctypes": "libnowhere.so.7", "another's": "no_such_module", "numpy": "libopenblas.so.0: cannot open"}
    assert words.get(how, "libGL.so.1: cannot open" if how == "libGL" else "memory") in done.stderr


@pytest.mark.parametrize("module", ["onnxruntime", "cv2", "prometheus_client", "h11", "starlette", "click"])
def test_a_library_that_is_not_there_is_told_as_missing(module: str, tmp_path: Path) -> None:
    text = f"import sys\nsys.modules[{module!r}] = None\n"
    (tmp_path / "sitecustomize.py").write_text(text)
    done = run("--listen", "1", path=tmp_path)
    assert done.returncode == MissingExtra.exit_code, done.stderr
    assert "is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_binary_that_is_damaged_is_a_library_that_does_not_load(tmp_path: Path) -> None:
    folder = stub(tmp_path, "onnxruntime", "from onnxruntime import native")
    (folder / "onnxruntime/native.so").write_bytes(b"\x7fELF" + bytes(60))
    done = run(path=folder)
    assert done.returncode == LibraryUnusable.exit_code, done.stderr
    assert "native.so: " in done.stderr
    assert "--force-reinstall onnxruntime" in done.stderr


def test_half_of_an_onnx_runtime_is_told_with_what_to_do(tmp_path: Path) -> None:
    done = run(path=stub(tmp_path, "onnxruntime", ""))
    assert done.returncode == LibraryUnusable.exit_code, done.stderr
    assert "pip uninstall onnxruntime onnxruntime-gpu" in done.stderr


@pytest.mark.parametrize("megabytes", [200, 250])
def test_too_little_memory_ends_with_a_code_after_which_the_service_is_started_anew(megabytes: int) -> None:
    done = run(limit=megabytes << 20)
    assert done.returncode not in (0, 2, 3, MissingExtra.exit_code), done.stderr
    assert "not installed" not in done.stderr


def normal(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower().replace("_", "-")


def imported() -> Set[str]:
    """Give the libraries that the package imports anywhere, by the names of their modules."""
    names: Set[str] = set()
    for file in (ROOT / "fer_edge").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_library":
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    names.add(str(name.value).partition(".")[0])
    return {name for name in names if name != "fer_edge" and name not in sys.stdlib_module_names}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_each_library_that_the_package_imports_is_named_with_the_extra_that_brings_it() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everywhere = {normal(requirement) for requirement in project["dependencies"]}
    extras = {
        extra: {normal(requirement) for requirement in requirements}
        for extra, requirements in project["optional-dependencies"].items()
    }
    optional = {name for name in imported() if PACKAGES.get(name, name) not in everywhere}
    assert optional >= {"cv2", "torch", "tqdm", "PIL"}
    assert optional - BROUGHT_BY_JETPACK <= set(EXTRAS)
    for module, extra in EXTRAS.items():
        assert PACKAGES.get(module, BROUGHT_BY_ANOTHER.get(module, module)) in extras[extra], module
    named = {(EXTRAS[module], PACKAGES.get(module, module)) for module in EXTRAS}
    for extra in ("cpu", "jetson", "train"):
        # What the extra `parquet` brings alone is named with that, wherever else it is.
        assert {package for name, package in named if name == extra} == extras[extra] - extras["parquet"], extra


@pytest.mark.parametrize("library", EXTRAS)
@pytest.mark.parametrize("fallback", ["cpu", "train"])
def test_a_library_that_is_missing_is_told_with_its_own_extra_whoever_wanted_it(library: str, fallback: str) -> None:
    error = ModuleNotFoundError(f"No module named '{library}'", name=library)
    with pytest.raises(MissingExtra) as caught, needing(fallback, "This", "torch"):
        raise error
    for told in (str(caught.value), str(import_failure(error, library, fallback, "This"))):
        assert f"'{PACKAGES.get(library, library)}'" in told
        assert f"[{EXTRAS[library]}]" in told


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the train extra needs Python 3.10")
def test_evaluating_without_the_train_extra_asks_for_that_extra(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['tqdm'] = None\n")
    done = run("evaluate", "fernet_r", "--data", "x.parquet", path=tmp_path, verb=True)
    assert done.returncode == MissingExtra.exit_code, done.stderr
    assert "'tqdm', which is not installed" in done.stderr
    assert "[train]" in done.stderr
    assert "[cpu]" not in done.stderr


def test_a_library_for_which_no_descriptor_is_left_is_not_told_to_be_installed_anew() -> None:
    error = ImportError("libx.so.1: cannot open shared object file: Too many open files", name="cv2")
    failure = import_failure(error, "cv2", "cpu", "Working with pictures")
    assert isinstance(failure, LibraryUnusable)
    assert "ulimit -n" in failure.remedy
    assert "pip install" not in failure.remedy


def test_an_error_that_no_import_raised_stays_what_it_is() -> None:
    with pytest.raises(FileNotFoundError), needing("train", "Training", "torch"):
        open("/nowhere", encoding="utf-8")  # noqa: SIM115


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ModuleNotFoundError("no", name="json"), MissingExtra, "not installed"),
        (ModuleNotFoundError("no", name="json.part"), LibraryUnusable, "does not load"),
        (ModuleNotFoundError("no", name="other"), LibraryUnusable, "does not load"),
        (ImportError("libx.so.1: cannot open", name="json"), LibraryUnusable, "libx.so.1"),
        (OSError(12, "Cannot allocate memory"), LibraryUnusable, "MemoryMax"),
        (MemoryError(), LibraryUnusable, "MemoryMax"),
        (RuntimeError("compiled against API version 0x10"), LibraryUnusable, "--force-reinstall json"),
    ],
)
def test_what_an_import_raises_decides_between_missing_and_unusable(error: Exception, kind: type, words: str) -> None:
    failure = import_failure(error, "json.part", "cpu", "This")
    assert type(failure) is kind
    assert words in str(failure)


def test_a_part_that_an_installed_library_lacks_does_not_make_the_library_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(stub(tmp_path, "made_up_library", "")))
    with pytest.raises(LibraryUnusable, match="made_up_library.part"):
        import_library("made_up_library.part", "cpu", "This")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("libcudart.so.12: no"), "onnxruntime does not load: libcudart.so.12: no"),
        (ModuleNotFoundError(name="onnxruntime"), "onnxruntime is not installed"),
    ],
)
def test_the_reason_against_a_backend_tells_a_broken_runtime_from_a_missing_one(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr("fer_edge.classify.registry.importlib.import_module", fail)
    given = candidates()[-1].reason
    monkeypatch.undo()
    assert given == reason


@pytest.mark.parametrize("error", ["MemoryError", 'RuntimeError("can\'t start new thread")'])
def test_memory_that_runs_out_later_is_told_without_a_traceback(error: str) -> None:
    program = (
        "import sys\nfrom fer_edge import __main__\nfrom fer_edge.cli import main as cli\n"
        f"def run(**_parts):\n    raise {error}\n"
        "cli.main = run\nsys.exit(__main__.main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == OutOfMemory.exit_code
    assert done.stderr.startswith("fer-edge: error: There is not enough memory to go on")
    assert "Traceback" not in done.stderr
