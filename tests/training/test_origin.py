"""A file says which recipe and which code made it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fer_edge.classify.onnx import read_contract
from fer_edge.errors import UsageError
from fer_edge.inference.model_files import find_model
from fer_edge.training.checkpoint import load_checkpoint, save_checkpoint
from fer_edge.training.data import FaceSet
from fer_edge.training.export import ExportOptions, export
from fer_edge.training.origin import commit_of, origin_in, origin_of
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.recipe_file import load_recipe, shipped_recipes
from fer_edge.training.train import train


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def said(settings: TrainSettings) -> str:
    return origin_of(settings, "")["recipe"]


def test_an_exported_file_names_the_recipe_and_the_commit_of_the_run(
    small_set: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_edge.training.module.commit_of", lambda: "0123456789ab")
    settings = replace(
        load_recipe("table1"), network="lenet", epochs=1, batch_size=28, threads=1, precision="fp32", device="cpu"
    )
    train(settings, small_set, small_set, tmp_path)
    export(tmp_path / "best.pt", tmp_path / "mine.onnx", small_set, "stripes", ExportOptions())
    facts = read_contract(tmp_path / "mine.onnx")[0].facts
    assert facts["recipe"] == 'table1 (network = "lenet", epochs = 1, batch_size = 28)'
    assert facts["commit"] == "0123456789ab"


@pytest.mark.parametrize("name", ["fernet_r", "fernet_r.int8", "fernet_s", "fernet_s.int8", "fernet", "fernet.int8"])
def test_a_shipped_file_names_recipes_that_are_shipped_and_a_commit(name: str) -> None:
    facts = read_contract(find_model(name))[0].facts
    # Without what differed from a recipe, and with the recipe of each run of a mean.
    plain = re.sub(r" \([^)]*\)|mean of ", "", facts["recipe"])
    assert {*re.split(", then | and ", plain)} <= {*shipped_recipes()}
    assert len(facts["commit"]) == 12
    assert set(facts["commit"]) <= set("0123456789abcdef")


def test_a_run_as_the_recipe_has_it_names_the_recipe_alone_wherever_it_ran() -> None:
    settings = load_recipe("fernet_s")
    assert said(settings) == "fernet_s"
    assert said(replace(settings, device="cuda", precision="fp32", threads=7, devices=2)) == "fernet_s"
    changed = replace(settings, augmentation=replace(settings.augmentation, jpeg=0.9))
    assert said(changed) == "fernet_s (augmentation.jpeg = 0.9)"


def test_a_recipe_of_ones_own_is_named_with_what_it_changes_and_without_folders(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('epochs = 2\nteacher = "fernet, /home/anna/secret/big.onnx"\n')
    assert said(load_recipe(str(recipe))) == 'mine (epochs = 2, teacher = "fernet, big.onnx")'


def test_a_recipe_does_not_say_itself_what_it_is_called(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('recipe = "fernet_r"\n')
    with pytest.raises(UsageError, match="no key 'recipe'"):
        load_recipe(str(recipe))


def test_of_what_nobody_knows_nothing_is_said(small_set: FaceSet, tmp_path: Path) -> None:
    assert origin_of(TrainSettings(), "") == {}
    settings = TrainSettings(network="lenet", epochs=1, batch_size=28, threads=1, precision="fp32", device="cpu")
    train(settings, small_set, small_set, tmp_path)
    state = load_checkpoint(tmp_path / "best.pt")
    del state["origin"]  # as an earlier version wrote it
    save_checkpoint(tmp_path / "best.pt", state)
    export(tmp_path / "best.pt", tmp_path / "mine.onnx", small_set, "stripes", ExportOptions())
    assert not {"recipe", "commit"} & {*read_contract(tmp_path / "mine.onnx")[0].facts}


@pytest.mark.parametrize("origin", [None, 7, ["recipe"], {"recipe": 3, "commit": b"x"}, {1: 2}])
def test_what_is_no_origin_is_left_out(origin: object) -> None:
    assert origin_in({"origin": origin}) == {}


def test_a_checkpoint_of_somebody_elses_says_nothing_but_its_origin() -> None:
    told = {"recipe": "good\x1b[2J" + "a" * 99_999, "accuracy": "1.0", "licence": "mine"}
    said = origin_in({"origin": told})
    assert {*said} == {"recipe"}
    assert said["recipe"].isprintable()
    assert len(said["recipe"]) == 10_000


def test_a_run_goes_on_where_the_recipe_is_called_otherwise(small_set: FaceSet, tmp_path: Path) -> None:
    settings = TrainSettings(
        network="lenet", epochs=1, batch_size=28, threads=1, precision="fp32", device="cpu", recipe="a"
    )
    train(settings, small_set, small_set, tmp_path)
    train(replace(settings, recipe="b"), small_set, small_set, tmp_path)
    assert load_checkpoint(tmp_path / "last.pt")["settings"]["recipe"] == "a"


def test_the_commit_is_that_of_the_checkout_and_tells_of_changes(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == ""
    git(tmp_path, "init", "--quiet")
    assert commit_of(tmp_path) == ""  # nothing is committed
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    git(tmp_path, "tag", "v1")
    clean = commit_of(tmp_path)
    assert len(clean) == 12
    assert set(clean) <= set("0123456789abcdef")
    (tmp_path / "code.py").write_text("2\n")
    assert commit_of(tmp_path) == clean + "+changes"


def test_in_a_hook_of_git_the_commit_is_not_that_of_the_hooks_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init", "--quiet")
        git(tmp_path / name, "commit", "--quiet", "--allow-empty", "-m", name)
    ours = commit_of(tmp_path / "ours")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs" / ".git"))
    assert commit_of(tmp_path / "ours") == ours


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    monkeypatch.setenv("PATH", "")
    assert commit_of(tmp_path) == ""
