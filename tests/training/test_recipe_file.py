"""Recipes: the shipped ones are whole, and a wrong one says where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fer_edge.errors import UsageError
from fer_edge.training.recipe import TrainSettings
from fer_edge.training.recipe_file import load_recipe, shipped_recipes
from fer_edge.zoo.catalogue import NETWORKS


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_shipped_recipe_trains_a_known_network(name: str) -> None:
    assert load_recipe(name).network in NETWORKS


def test_every_network_has_a_recipe_of_its_name() -> None:
    for name in NETWORKS:
        assert load_recipe(name).network == name


def test_the_networks_of_the_table_share_everything_but_the_network() -> None:
    rows = [name for name, entry in NETWORKS.items() if entry.paper is not None]
    assert len({replace(load_recipe(name), network="") for name in rows}) == 1


def test_the_papers_recipe_is_the_papers() -> None:
    paper = load_recipe("paper")
    assert (paper.optimizer, paper.learning_rate, paper.batch_size, paper.epochs) == ("adam", 1e-4, 16, 100)
    assert (paper.schedule, paper.patience) == ("plateau", 10)


def test_what_a_file_does_not_say_comes_from_the_recipe_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("epochs = 7\n[augmentation]\nnoise = 0\n")
    path = tmp_path / "mine.toml"
    path.write_text('extends = "base.toml"\nseed = 5\n[augmentation]\nscale = [1, 1.5]\n')
    settings = load_recipe(str(path))
    assert (settings.epochs, settings.seed) == (7, 5)
    assert (settings.augmentation.noise, settings.augmentation.scale) == (0.0, (1.0, 1.5))
    assert settings.targets == TrainSettings().targets


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epoch = 3", "no key 'epoch'.*\n*.*Did you mean epochs"),
        ("[augmentation]\nnoises = 1", r"no key 'augmentation\.noises'"),
        ('epochs = "many"', "'epochs' cannot be 'many'"),
        ("epochs = true", "'epochs' cannot be True"),
        ("targets = 3", "'targets' must be a table"),
        ("[augmentation]\nscale = [1]", "scale"),
        ("epochs = ", "not TOML"),
        ('extends = "nowhere"', "no recipe named 'nowhere'"),
        ('extends = "recipe.toml"', "extends itself"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        load_recipe(str(path))
