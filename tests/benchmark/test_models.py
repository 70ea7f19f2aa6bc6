from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fer_edge.benchmark.models import choose_models
from fer_edge.errors import ModelNotFound
from fer_edge.inference.model_files import find_model, known_models

FERNET = find_model("fernet")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "fer-edge" / "models"
    folder.mkdir(parents=True)
    return folder


def test_all_means_every_shipped_expression_network_and_those_in_the_users_folder(cache: Path) -> None:
    shutil.copy(FERNET, cache / "mine.onnx")
    shutil.copy(find_model("blazeface_short"), cache / "face_detection_yunet_2023mar.onnx")
    names = [candidate.name for candidate in choose_models(["all"])]
    shipped = [model.name for model in known_models().values() if model.role == "classifier"]
    rows = sorted(file.stem for file in FERNET.parent.glob("table1/*.onnx"))
    assert names == [*shipped, *rows, "mine"]


def test_a_folder_means_the_networks_in_it_by_name_and_the_rest_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("b.onnx", "a.onnx"):
        shutil.copy(FERNET, tmp_path / name)
    shutil.copy(find_model("blazeface_short"), tmp_path / "detector.onnx")
    (tmp_path / "cut-off.onnx").write_bytes(FERNET.read_bytes()[:1000])
    (tmp_path / "notes.txt").write_text("not a model")
    assert [candidate.name for candidate in choose_models([str(tmp_path)])] == ["a", "b"]
    assert "cut-off.onnx is left out" in caplog.text
    assert "detector.onnx is left out" in caplog.text


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=str(tmp_path)):
        choose_models([str(tmp_path)])


def test_a_file_is_measured_once_and_two_of_one_name_are_told_apart(tmp_path: Path) -> None:
    shutil.copy(FERNET, tmp_path / "fernet.onnx")
    chosen = choose_models(["fernet", str(FERNET), str(tmp_path)])
    assert [candidate.name for candidate in chosen] == [str(FERNET), str(tmp_path / "fernet.onnx")]
