from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tiny_training
import torch
from torch import nn

from textclean.errors import (
    InputError,
    OptionsError,
    OutputExistsError,
    UnknownNameError,
    WeightsError,
)
from textclean.nets.lama import LamaGenerator
from textclean.training import run
from textclean.training.__main__ import main
from textclean.training.inpaint_data import (
    InpaintData,
    InpaintExamples,
    fingerprint,
    on_device,
    spread,
    to_batch,
)
from textclean.training.inpaint_networks import make_network, paint
from textclean.training.inpaint_players import Generator, make_players
from textclean.training.inpaint_task import InpaintTask
from textclean.training.inpaint_validation import CEILING, Judge
from textclean.training.losses import LossWeights
from textclean.training.pack import PackWriter
from textclean.weights import load_network

CPU = torch.device("cpu")
PRIORS = ("projection", "smooth")


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine, threads that wait for each other cost more than they give."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def prepared(count: int = 2, size: int = 32):
    return on_device(to_batch([tiny_training.sample(i, size) for i in range(count)], PRIORS), CPU)


def test_batches_hold_the_samples_as_they_are():
    samples = [tiny_training.sample(i, 32) for i in range(3)]
    ready = on_device(to_batch(samples, PRIORS), CPU)
    assert ready["shown"].shape == (3, 3, 32, 32)
    assert ready["priors"].shape == (3, 2, 3, 32, 32)
    assert ready["hole"].unique().tolist() == [0, 1]
    back = (ready["target"] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert all(np.array_equal(a, s.target) for a, s in zip(back, samples, strict=True))
    smooth = (ready["priors"][:, 1] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(smooth[2], samples[2].smooth)
    assert ready["shown"].is_contiguous(memory_format=torch.channels_last)


def test_a_missing_prior_is_told():
    bare = replace(tiny_training.sample(0), projection=None)
    with pytest.raises(InputError, match="projection"):
        to_batch([bare], PRIORS)
    assert "priors" not in to_batch([bare], ())


def test_examples_are_varied_by_their_generators_alone():
    examples = InpaintExamples(tiny_training.pack(4), InpaintData(size=32))

    def drawn(seed):
        return examples.batch([0, 1], [np.random.default_rng((seed, i)) for i in range(2)])

    assert all(torch.equal(drawn(0)[k], drawn(0)[k]) for k in drawn(0))
    assert not torch.equal(drawn(0)["target"], drawn(1)["target"])
    still = InpaintExamples(tiny_training.pack(4, 32), InpaintData(size=32, augment=False))
    batch = still.batch([1], [np.random.default_rng(0)])
    assert np.array_equal(batch["target"][0].numpy(), tiny_training.sample(1, 32).target)


def test_the_fingerprint_tells_packs_apart():
    pack = tiny_training.pack(3)
    assert fingerprint(pack) == fingerprint(tiny_training.pack(3))
    assert fingerprint(pack) != fingerprint(tiny_training.pack(4))
    changed = tiny_training.pack(3)
    target = changed[1].target.copy()
    target[0, 0, 0] ^= 1
    changed[1] = replace(changed[1], target=target)
    assert fingerprint(pack) != fingerprint(changed)


def test_spread_takes_evenly():
    assert spread(10, 3) == [0, 3, 6]
    assert spread(3, 10) == [0, 1, 2]
    assert spread(3, 0) == [0, 1, 2]


def test_only_the_hole_is_painted_and_gradients_reach_every_weight():
    batch = prepared()
    for cfg in (
        tiny_training.config("o"),
        tiny_training.config("o", model={"architecture": "lama", "width": 4, "blocks": 1}),
    ):
        torch.manual_seed(0)
        network = make_network(cfg, 2)
        for parameter in network.parameters():
            if not parameter.any():  # what starts at zero hides what lies before it
                nn.init.normal_(parameter, std=0.1)
        _, output = paint(network, batch)
        known = (batch["hole"] < 0.5).expand_as(output)
        assert torch.equal(output[known], batch["shown"][known])
        terms = Generator(network, LossWeights(known=1.0))(batch, 0.0)
        torch.stack(list(terms.values())).sum().backward()
        dead = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
        assert not dead


def test_lama_learns_outside_the_hole_too():
    batch = prepared()
    cfg = tiny_training.config("o", model={"architecture": "lama", "width": 4, "blocks": 1})
    network = make_network(cfg, 0)
    assert isinstance(network, LamaGenerator)
    painted, output = paint(network, batch)
    assert not torch.equal(painted, output)
    weights = LossWeights(charbonnier=0, mse=0, psnr=0, spectral=0, known=1.0)
    terms = Generator(network, weights)(batch, 0.0)
    assert terms["known"].item() > 0.01


def test_fine_tuning_starts_from_a_published_form(tmp_path):
    cfg = tiny_training.config(
        tmp_path / "o", steps=2, data={"size": 32, "priors": []},
        model={"architecture": "lama", "width": 4, "blocks": 1}, loss={"known": 10.0},
    )  # fmt: skip
    torch.manual_seed(5)
    source = make_network(cfg, 0)
    path = tmp_path / "best.ckpt"
    tensors = {f"generator.{name}": value for name, value in source.state_dict().items()}
    torch.save({"state_dict": tensors}, path)
    tuned = replace(cfg, init=str(path), model={}, lr=1e-6)
    trainer = tiny_training.trainer(tuned)
    network = trainer.task.players[0].network
    assert network.training
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in source.state_dict().items())
    trainer.run()
    written = load_network(tmp_path / "o" / "weights.safetensors")
    assert written.architecture == "lama"
    kernel = "model.1.ffc.convl2l.weight"
    before, after = source.state_dict()[kernel], written.module.state_dict()[kernel]
    assert torch.allclose(before, after, atol=1e-3)


def test_batch_norm_is_measured_again_for_the_averaged_weights(tmp_path):
    cfg = tiny_training.config(
        tmp_path, steps=3, data={"size": 32, "priors": []},
        model={"architecture": "lama", "width": 4, "blocks": 1}, loss={"known": 10.0},
    )  # fmt: skip
    trainer = tiny_training.trainer(cfg)
    trainer.run()
    written = load_network(tmp_path / "weights.safetensors").module.state_dict()
    average = trainer.average.network.state_dict()
    name = "model.1.bn_l.running_mean"
    assert not torch.allclose(written[name], average[name], rtol=1e-2)
    kernel = "model.1.ffc.convl2l.weight"
    assert torch.allclose(written[kernel], average[kernel], atol=1e-3)


def test_init_must_fit_the_configuration(tmp_path):
    cfg = tiny_training.config(tmp_path, steps=1, loss={})
    tiny_training.trainer(cfg).run()
    init = str(tmp_path / "weights.safetensors")
    again = make_network(replace(cfg, init=init, model={}), 2)
    assert again.spec.widths == (4, 6)
    assert all(p.requires_grad for p in again.parameters())
    with pytest.raises(WeightsError, match="priors"):
        make_network(replace(cfg, init=init), 1)
    with pytest.raises(WeightsError, match="widths"):
        make_network(replace(cfg, init=init, model={"widths": [4, 8]}), 2)
    with pytest.raises(WeightsError, match="lama"):
        make_network(replace(cfg, init=init, model={"architecture": "lama"}), 2)
    with pytest.raises(UnknownNameError):
        make_network(replace(cfg, init="no-such-weights"), 2)


@pytest.mark.parametrize(
    "model", [{"architecture": "unet"}, {"width": 3}, {"widths": [4]}, {"widths": [4, -1, 2]}]
)
def test_a_model_table_that_makes_no_network_is_told(model):
    with pytest.raises(OptionsError):
        make_network(tiny_training.config("o", model=model), 2)


def test_the_adversarial_part_sets_in_late_and_gently():
    weights = LossWeights(adversarial=1.0, matching=1.0, adversarial_start=0.5, critic_width=4)
    torch.manual_seed(0)
    generator, critic = make_players(make_network(tiny_training.config("o"), 2), weights)
    batch = prepared()
    assert not critic.active(0.4)
    assert critic.active(0.5)
    assert "adversarial" not in generator(batch, 0.5)
    half, full = generator(batch, 0.525), generator(batch, 0.9)
    for name in ("adversarial", "matching"):
        assert half[name].item() == pytest.approx(full[name].item() / 2, rel=1e-4)


def test_each_player_trains_its_own_network():
    weights = LossWeights(adversarial=1.0, matching=1.0, adversarial_start=0.0, critic_width=4)
    torch.manual_seed(0)
    generator, critic = make_players(make_network(tiny_training.config("o"), 2), weights)
    batch = prepared()
    torch.stack(list(generator(batch, 1.0).values())).sum().backward()
    assert all(p.grad is None for p in critic.network.parameters())
    assert any(p.grad is not None for p in generator.network.parameters())
    generator.network.zero_grad()
    terms = critic(batch, 1.0)
    assert set(terms) == {"real", "fake", "r1"}
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad is not None for p in critic.network.parameters())
    assert all(p.grad is None for p in generator.network.parameters())
    assert set(dict(generator.named_parameters())) == {
        f"network.{name}" for name, _ in generator.network.named_parameters()
    }


class Oracle(nn.Module):
    """Fills with the truth, off by some grey levels."""

    def __init__(self, samples, levels):
        super().__init__()
        self.truth = {s.shown.tobytes(): s.target for s in samples}
        self.levels = levels


@pytest.fixture
def judged(monkeypatch):
    samples = [tiny_training.sample(i, 32 if i < 4 else 48, "ab"[i % 2]) for i in range(6)]

    def fill(network, batch):
        shown = (batch["shown"] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        truth = np.stack([network.truth[np.ascontiguousarray(s).tobytes()] for s in shown])
        output = torch.from_numpy(truth).permute(0, 3, 1, 2) / 255
        off = output + torch.where(output > 0.5, -1, 1) * network.levels / 255
        return off, torch.where(batch["hole"] > 0.5, off, batch["shown"])

    monkeypatch.setattr("textclean.training.inpaint_validation.paint", fill)
    judge = Judge(samples, InpaintData(size=32, rows=4, validation_batch=3), 8)
    return lambda levels: (samples, judge(Oracle(samples, levels), CPU))


def test_figures_are_psnr_in_the_hole_by_family(judged):
    samples, perfect = judged(0)
    assert perfect.score == CEILING
    _, off = judged(8)
    assert off.metrics["a/output"] == pytest.approx(20 * np.log10(255 / 8), abs=1e-6)
    assert off.score == pytest.approx(20 * np.log10(255 / 8), abs=1e-6)
    own = [s for s in samples if s.family == "a"]
    errors = [np.mean((s.smooth[s.hole] - s.target[s.hole].astype(float)) ** 2) for s in own]
    expected = np.mean([10 * np.log10(255**2 / e) for e in errors])
    assert off.metrics["a/smooth"] == pytest.approx(expected, abs=1e-9)
    assert {k.split("/")[1] for k in off.metrics} == {"projection", "smooth", "mean", "output"}
    assert "mean of families" in off.table
    assert "projection" in off.table


def test_the_output_is_rounded_not_truncated(judged, monkeypatch):
    monkeypatch.setattr("textclean.training.inpaint_validation.CEILING", 90.0)
    _, rounded = judged(0.4)
    assert rounded.score == 90


def test_a_validation_pack_without_holes_is_told():
    bare = replace(tiny_training.sample(0, 32), hole=np.zeros((32, 32), bool))
    with pytest.raises(InputError, match="hole"):
        Judge([bare], InpaintData(size=32), 8)


def test_the_preview_has_a_row_for_each_window_wanted(judged):
    samples, validation = judged(0)
    truth = samples[0].target
    h, w = truth.shape[:2]
    places = [
        (y, x)
        for y in range(validation.sheet.shape[0] - h + 1)
        for x in range(validation.sheet.shape[1] - w + 1)
        if np.array_equal(validation.sheet[y : y + h, x : x + w], truth)
    ]
    assert len(places) == 2  # as output and as target


def test_windows_of_odd_sizes_are_judged():
    judge = Judge([tiny_training.sample(0, 45)], InpaintData(size=32), 8)
    network = make_network(tiny_training.config("o"), 2).eval()
    with torch.inference_mode():
        result = judge(network, CPU)
    # An untrained network hands on the mean of its priors.
    assert result.metrics["art/output"] == pytest.approx(result.metrics["art/mean"], abs=0.05)


@pytest.fixture
def folder(tmp_path):
    samples = [tiny_training.sample(i, 40, "tone") for i in range(6)]
    writer = PackWriter(tmp_path / "pack", 6, 40, ("tone",))
    for number, sample in enumerate(samples):
        writer.write(number, sample)
    (tmp_path / "c.toml").write_text(
        'device = "cpu"\nbatch = 2\nworkers = 0\nlog_every = 1\n'
        "[model]\nwidths = [4, 6]\nblocks = [1, 1]\nspectral = [2, 2]\n[data]\nsize = 32\n"
    )
    return tmp_path


def test_the_command_trains_resumes_and_refuses_to_overwrite(folder, capsys):
    command = ["--config", str(folder / "c.toml"), "--out", str(folder / "out")]
    packs = ["--pack", str(folder / "pack"), "--val", str(folder / "pack")]
    assert main([*command, *packs, "--steps", "2"]) == 0
    assert "finished after 2 steps" in capsys.readouterr().err
    assert main([*command, *packs, "--steps", "4"]) == OutputExistsError.exit_code
    assert "--resume" in capsys.readouterr().err
    assert main([*command, *packs, "--steps", "4", "--resume"]) == 0
    assert "finished after 4 steps" in capsys.readouterr().err
    rows = (folder / "out" / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3", "4"]
    load_network(folder / "out" / "best.safetensors")


def test_the_dry_run_draws_samples_and_trains_nothing(folder, capsys):
    command = ["--config", str(folder / "c.toml"), "--out", str(folder / "out")]
    assert main([*command, "--pack", str(folder / "pack"), "--dry-run"]) == 0
    assert [p.name for p in (folder / "out").iterdir()] == ["samples.png"]
    picture = cv2.imread(str(folder / "out" / "samples.png"))
    assert picture.shape[1] >= 5 * 32  # shown, hole, two priors, target


def test_what_is_missing_is_told(folder, capsys):
    base = ["--config", str(folder / "c.toml"), "--steps", "1"]
    assert main([*base, "--pack", str(folder / "pack")]) == 1
    assert "--out" in capsys.readouterr().err
    assert main([*base, "--out", str(folder / "o")]) == 1
    assert "--pack" in capsys.readouterr().err
    assert main([*base, "--out", str(folder / "o"), "--pack", str(folder / "no")]) == 5
    (folder / "c.toml").write_text('task = "chess"')
    assert main([*base, "--out", str(folder / "o"), "--pack", str(folder / "pack")]) == 1
    assert "chess" in capsys.readouterr().err


@pytest.mark.parametrize(
    "data", [{"priors": ["telea"]}, {"size": 8}, {"sizes": 64}, {"size": 64}, {"size": 30}]
)
def test_a_data_table_that_makes_no_sense_is_told(data):
    with pytest.raises(OptionsError):
        InpaintTask(tiny_training.config("o", data=data), tiny_training.pack(2))


def test_tasks_are_known_by_name():
    assert set(run.TASKS) >= {"inpaint"}
    with pytest.raises(UnknownNameError, match="inpaint"):
        run.make_task(tiny_training.config("o", task="chess"))
