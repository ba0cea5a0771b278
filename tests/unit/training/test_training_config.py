from __future__ import annotations

import json

import pytest

from textclean.errors import FileAccessError, OptionsError
from textclean.nets.fourier_unet import FourierUNetSpec
from textclean.training.config import TrainConfig, build, load_config


def test_a_file_gives_every_kind_of_value(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        'lr = 1\nbetas = [0.5, 0.9]\namp = false\ninit = "w.safetensors"\n'
        "[model]\nwidths = [8, 16]\n[loss]\nmse = 2.0\n"
    )
    config = load_config(path, pack="p", minutes=3.5, device=None)
    assert config.lr == 1.0
    assert isinstance(config.lr, float)
    assert config.betas == (0.5, 0.9)
    assert config.amp is False
    assert (config.pack, config.minutes, config.device) == ("p", 3.5, "auto")
    assert config.model == {"widths": [8, 16]}
    assert config.init == "w.safetensors"


def test_changes_win_and_perceptual_goes_into_the_loss(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("steps = 5\n[loss]\nmse = 2.0\n")
    config = load_config(path, steps=7, perceptual="p.pth")
    assert config.steps == 7
    assert config.loss == {"mse": 2.0, "perceptual_weights": "p.pth"}
    assert load_config(None) == TrainConfig()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("learning_rate = 1.0", "learning_rate"),
        ('steps = "many"', "steps"),
        ("steps = 1.5", "steps"),
        ("amp = 1", "amp"),
        ("betas = [0.9]", "betas"),
        ("lr = -1.0", "lr"),
        ("lr = nan", "lr"),
        ("ema = 1.0", "ema"),
        ("batch = 0", "batch"),
        ("steps = ", "TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, text, found):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(OptionsError, match=found):
        load_config(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileAccessError, match=r"c\.toml"):
        load_config(tmp_path / "c.toml")


def test_specifications_are_built_from_tables():
    spec = build(FourierUNetSpec, {"widths": [4, 8], "blocks": [1, 1], "spectral": [0, 2]}, "model")
    assert spec.widths == (4, 8)
    with pytest.raises(OptionsError, match="width"):
        build(FourierUNetSpec, {"width": [4]}, "model")
    with pytest.raises(OptionsError, match="widths"):
        build(FourierUNetSpec, {"widths": [4, "x"]}, "model")


def test_as_dict_is_json():
    values = TrainConfig(model={"widths": (4, 8)}).as_dict()
    assert json.loads(json.dumps(values))["betas"] == [0.9, 0.99]
