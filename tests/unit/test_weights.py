from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from textclean import weights
from textclean.checkpoints import open_checkpoint
from textclean.errors import FileAccessError, UnknownNameError, WeightsError
from textclean.nets.fourier_unet import FourierUNet, FourierUNetSpec
from textclean.nets.lama import LamaGenerator, LamaSpec
from textclean.weights import (
    SizeRequirement,
    WeightsEntry,
    convert,
    is_offline,
    load_network,
    locate,
    save_safetensors,
    verify,
)

LAMA = LamaSpec(width=8, blocks=2)
UNET = FourierUNetSpec(widths=(8, 16), blocks=(1, 1), spectral=(4, 4), priors=2)


def make_lama(spec: LamaSpec = LAMA) -> LamaGenerator:
    torch.manual_seed(0)
    network = LamaGenerator(spec)
    for name, tensor in network.state_dict().items():
        if "running_mean" in name:
            tensor.uniform_(-0.3, 0.3)
        elif "running_var" in name:
            tensor.uniform_(0.02, 0.2)
        elif "alpha" in name:
            tensor.fill_(1.0)
    return network.eval()


def make_unet() -> FourierUNet:
    torch.manual_seed(0)
    network = FourierUNet(UNET)
    for tensor in network.state_dict().values():
        tensor.add_(torch.randn_like(tensor) * 0.1)
    return network.eval()


def paint(network: nn.Module) -> Tensor:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    hole = torch.zeros(1, 1, 32, 32)
    hole[..., 8:20, 10:25] = 1
    with torch.inference_mode():
        if isinstance(network, LamaGenerator):
            painted = network(image, hole)
        else:
            priors = torch.stack([image.flip(2), image.flip(3)], 1)
            painted = network(image, hole, hole * 0, priors)
    assert painted.std() > 0.02  # something to compare
    return painted


class Config:
    """Stands for what trainers put into their checkpoints; known to no other program."""

    def __init__(self) -> None:
        self.values = {"lr": 1e-3, "nested": [1, (2, "x")]}

    def __reduce__(self) -> tuple[Any, ...]:
        return (Config, (), self.__dict__, iter([1, 2]), iter([("k", "v")]))

    def extend(self, _: object) -> None: ...

    def __setitem__(self, *_: object) -> None: ...


def lightning(path: Path, network: LamaGenerator) -> None:
    state = OrderedDict((f"generator.{k}", v) for k, v in network.state_dict().items())
    state["discriminator.model0.0.weight"] = torch.ones(4, 3)
    state["loss_resnet_pl.impl.conv1.weight"] = torch.ones(2, 2)
    torch.save(
        {
            "epoch": 3,
            "state_dict": state,
            "hyper_parameters": Config(),
            "callbacks": {Config: {"best": torch.tensor(0.5)}},
            "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}}],
        },
        path,
    )


def torchscript(path: Path, network: LamaGenerator) -> None:
    class Exported(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = network

        def forward(self, image: Tensor, mask: Tensor) -> Tensor:
            return self.generator(image, mask)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, its files remain
        example = torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32)
        torch.jit.trace(Exported(), example).save(str(path))


def manga(path: Path, network: LamaGenerator) -> None:
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("mpe.")}
    extra = {k[4:]: v for k, v in network.state_dict().items() if k.startswith("mpe.")}
    torch.save({"gen_state_dict": state} | ({"str_state_dict": extra} if extra else {}), path)


def zits(path: Path, network: LamaGenerator) -> None:
    torch.save({"iteration": 7, "generator": network.state_dict()}, path)


def spandrel(path: Path, network: LamaGenerator) -> None:
    torch.save({f"model.{k}": v for k, v in network.state_dict().items()}, path)


def bare(path: Path, network: LamaGenerator) -> None:
    torch.save(network.state_dict(), path)


def whole_module(path: Path, network: LamaGenerator) -> None:
    torch.save({"model": network}, path)


def half(path: Path, network: LamaGenerator) -> None:
    torch.save({k: v.to(torch.float64) for k, v in network.state_dict().items()}, path)


def parameters(path: Path, network: LamaGenerator) -> None:
    """With gradients asked for, transposed in memory, sharing one storage."""
    state = {}
    for name, value in network.state_dict().items():
        if value.ndim == 4:
            value = nn.Parameter(value.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0))
        state[name] = value
    block = torch.cat([v.flatten() for k, v in state.items() if k.endswith("bias")])
    start = 0
    for name in [k for k in state if k.endswith("bias")]:
        state[name] = block[start : start + state[name].numel()]
        start += state[name].numel()
    torch.save(state, path)


def without_counters(path: Path, network: LamaGenerator) -> None:
    state = network.state_dict()
    torch.save({k: v for k, v in state.items() if "num_batches" not in k}, path)


def plain_safetensors(path: Path, network: LamaGenerator) -> None:
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)


FORMS = [
    lightning,
    torchscript,
    manga,
    zits,
    spandrel,
    bare,
    whole_module,
    half,
    parameters,
    without_counters,
    plain_safetensors,
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_the_wild(
    tmp_path: Path, form: Callable[[Path, LamaGenerator], None]
) -> None:
    path, network = tmp_path / "big.ckpt", make_lama()
    form(path, network)
    loaded = load_network(path)
    assert loaded.architecture == "lama"
    assert loaded.spec == LAMA
    assert loaded.requirement == SizeRequirement(16, 8)
    assert torch.equal(paint(loaded.module), paint(network))
    assert not loaded.module.training
    assert not any(p.requires_grad for p in loaded.module.parameters())


def test_the_form_with_mask_positions(tmp_path: Path) -> None:
    spec = LamaSpec(width=8, blocks=1, mpe=True)
    network = make_lama(spec)
    manga(tmp_path / "mpe.ckpt", network)
    loaded = load_network(tmp_path / "mpe.ckpt")
    assert loaded.spec == spec
    assert torch.equal(paint(loaded.module), paint(network))
    network.mpe.alpha5.data.zero_()
    assert not torch.equal(paint(loaded.module), paint(network))  # the positions count


def test_torchscript_is_told_apart(tmp_path: Path) -> None:
    torchscript(tmp_path / "a.pt", make_lama())
    bare(tmp_path / "b.pt", make_lama())
    assert open_checkpoint(tmp_path / "a.pt").form == "TorchScript"
    assert open_checkpoint(tmp_path / "b.pt").form == "torch.save"


def test_our_own_network(tmp_path: Path) -> None:
    network = make_unet()
    save_safetensors(network, UNET, tmp_path / "u.safetensors", dtype="float32")
    loaded = load_network(tmp_path / "u.safetensors")
    assert (loaded.architecture, loaded.spec) == ("fourier-unet", UNET)
    assert loaded.requirement == SizeRequirement(8, 4)
    assert torch.equal(paint(loaded.module), paint(network))


@pytest.mark.parametrize("make", [make_lama, make_unet])
def test_half_precision_files(tmp_path: Path, make: Callable[[], Any]) -> None:
    network, path = make(), tmp_path / "h.safetensors"
    save_safetensors(network, network.spec, path, metadata={"licence": "Apache-2.0"})
    loaded = load_network(path)
    assert loaded.metadata["licence"] == "Apache-2.0"
    assert all(p.dtype == torch.float32 for p in loaded.module.parameters())
    torch.testing.assert_close(paint(loaded.module), paint(network), rtol=0, atol=0.06)
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 (not a dictionary)
            tensor = file.get_tensor(name)
            if tensor.ndim > 1:
                assert tensor.dtype == torch.float16
            else:
                assert torch.equal(tensor, network.state_dict()[name]), name


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for i in range(4):
        path = tmp_path / f"{i}.safetensors"
        save_safetensors(make_unet(), UNET, path, metadata={str(n): str(n) for n in range(9)})
        files.append(path.read_bytes())
    assert len(set(files)) == 1


def test_saving_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "u.safetensors"
    path.write_bytes(b"old")
    network = make_unet()
    network.stem.weight.data[0] = 1e6  # more than fp16 holds
    with pytest.raises(WeightsError, match=r"stem\.weight holds values that"):
        save_safetensors(network, UNET, path)
    with pytest.raises(FileAccessError, match="cannot be written"):
        save_safetensors(network, UNET, tmp_path / "no" / "u.safetensors", dtype="float32")
    assert [p.name for p in tmp_path.iterdir()] == ["u.safetensors"]
    assert path.read_bytes() == b"old"


def test_saving_that_fails_on_the_way_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "u.safetensors"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileAccessError, match="No space left"):
        save_safetensors(make_unet(), UNET, path)
    assert [p.name for p in tmp_path.iterdir()] == ["u.safetensors"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("form", [lightning, torchscript])
def test_converting(tmp_path: Path, form: Callable[[Path, LamaGenerator], None]) -> None:
    network = make_lama()
    form(tmp_path / "in.ckpt", network)
    out = convert(tmp_path / "in.ckpt", tmp_path / "out.safetensors")
    loaded = load_network(out)
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.module.state_dict()[name], value), name
    with safe_open(out, "pt") as file:
        about = file.metadata()
    assert about["architecture"] == "lama"
    assert LamaSpec.from_dict(json.loads(about["spec"])) == LAMA
    again = convert(out, tmp_path / "again.safetensors")
    assert again.read_bytes() == out.read_bytes()


# Hostile and wrong files


class Payload:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.trace),))


def test_the_payload_works_where_it_is_let(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path / "trace")))  # the control of the next test
    assert (tmp_path / "trace").exists()


@pytest.mark.parametrize("place", ["beside", "inside", "instead"])
def test_a_payload_does_not_run(tmp_path: Path, place: str) -> None:
    path, trace, network = tmp_path / "evil.ckpt", tmp_path / "trace", make_lama()
    state: dict[str, Any] = dict(network.state_dict())
    if place == "beside":
        torch.save({"state_dict": state, "config": Payload(trace)}, path)
        assert torch.equal(paint(load_network(path).module), paint(network))
    else:
        if place == "inside":
            state["model.1.bn_l.bias"] = Payload(trace)
            torch.save(state, path)
        else:
            torch.save(Payload(trace), path)
        with pytest.raises(WeightsError, match="holds no network that textclean knows"):
            load_network(path)
    assert not trace.exists()


def archive(path: Path, program: bytes, storages: dict[str, bytes] | None = None) -> Path:
    """A torch archive around a pickle written by hand."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", program)
        for key, data in (storages or {}).items():
            file.writestr(f"archive/data/{key}", data)
    return path


TENSOR = (  # _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
    b"ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI1\ntQ"
    b"I0\n%s%stR"
)


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        # Claims a memo of 2^32 entries, which the unpickler in C would allocate.
        (b"\x80\x02Nr\xff\xff\xff\xff.", "no network"),
        # Tries to change the function that stands for torch's.
        (b"ctorch._utils\n_rebuild_tensor_v2\n}S'call'\nNsb.", "tries to change a function"),
        (b"ctorch\nFloatStorage\n}S'dtype'\nNsb.", "tries to change a type"),
        (TENSOR % (b"(I-1\nt", b"(I1\nt") + b".", "a tensor of shape"),
        (TENSOR % (b"(S'x'\nt", b"(I1\nt") + b".", "a tensor of shape"),
        (TENSOR % (b"(I1\nI1\nt", b"(I1\nt") + b".", "a tensor of shape"),
        (b"\x82\x01.", "no network"),  # a registered extension
        (b"(i__builtin__\nexec\n.", "no network"),
        (b"", "truncated, damaged or hostile"),
        (b"\x80\x02}", "truncated, damaged or hostile"),
        (b"0.", "truncated, damaged or hostile"),
        (b"N" * (17 * 2**20), "far larger"),
    ],
)
def test_hostile_pickles(tmp_path: Path, program: bytes, complaint: str) -> None:
    with pytest.raises(WeightsError, match=complaint):
        load_network(archive(tmp_path / "evil.pt", program))


def test_loops_and_shared_parts_do_not_make_the_walk_long(tmp_path: Path) -> None:
    loop: dict[str, Any] = {"weight": torch.ones(1)}
    loop["self"] = loop
    level: dict[str, Any] = {"weight": torch.ones(1)}
    for _ in range(200):  # 2^200 ways lead to the bottom
        level = {"a": level, "b": level}
    torch.save({"loop": loop, "levels": level}, tmp_path / "bomb.pt")
    assert len(open_checkpoint(tmp_path / "bomb.pt").shapes) == 2


@pytest.mark.parametrize(
    ("shape", "strides", "data"),
    [
        (b"(I9\nI9\nt", b"(I0\nI0\nt", bytes(4)),  # one number, repeated
        (b"(I2\nt", b"(I9\nt", bytes(12)),  # beyond the end
        (b"(I4\nt", b"(I1\nt", bytes(8)),  # cut off
    ],
)
def test_tensors_that_claim_more_than_there_is(
    tmp_path: Path, shape: bytes, strides: bytes, data: bytes
) -> None:
    program = b"}S'w'\n" + TENSOR % (shape, strides) + b"s."
    checkpoint = open_checkpoint(archive(tmp_path / "a.pt", program, {"0": data}))
    with pytest.raises(WeightsError, match="a tensor of shape"):
        checkpoint.read(["w"])


def test_an_empty_tensor_and_a_missing_storage(tmp_path: Path) -> None:
    program = b"}S'w'\n" + TENSOR % (b"(I0\nt", b"(I1\nt") + b"s."
    checkpoint = open_checkpoint(archive(tmp_path / "a.pt", program, {"0": b""}))
    assert checkpoint.read(["w"])["w"].shape == (0,)
    checkpoint = open_checkpoint(archive(tmp_path / "b.pt", program))
    with pytest.raises(WeightsError, match="truncated, damaged or hostile"):
        checkpoint.read(["w"])


def test_compressed_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(10**6))
    with pytest.raises(WeightsError, match="is compressed, which torch never does"):
        load_network(path)


def test_damaged_numbers_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "d.pt"
    bare(path, make_lama())
    with zipfile.ZipFile(path) as file:
        largest = max(file.infolist(), key=lambda info: info.file_size)
    data = bytearray(path.read_bytes())
    data[largest.header_offset + 2000] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="Bad CRC"):
        load_network(path)


def _truncated(path: Path) -> None:
    bare(path, make_lama())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _truncated_safetensors(path: Path) -> None:
    plain_safetensors(path, make_lama())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("page1.png", b"x")


def _other_network(path: Path) -> None:
    save_file({"conv1.weight": torch.ones(64, 3, 7, 7)}, path, {"architecture": "resnet"})


def _old_pickle(path: Path) -> None:
    torch.save({"w": torch.ones(1)}, path, _use_new_zipfile_serialization=False)


def _text(path: Path) -> None:
    path.write_text("<html>404: not found</html>")


def _missing_tensor(path: Path) -> None:
    state = make_lama().state_dict()
    del state["model.6.conv1.ffc.convl2g.weight"]
    torch.save(state, path)


def _other_shape(path: Path) -> None:
    state = make_lama().state_dict()
    state["model.1.bn_l.bias"] = torch.zeros(9)
    torch.save(state, path)


def _not_finite(path: Path) -> None:
    network = make_lama()
    network.state_dict()["model.1.bn_l.bias"][0] = float("nan")
    bare(path, network)


def _stem_only(path: Path) -> None:
    torch.save({"model.1.ffc.convl2l.weight": torch.ones(8, 4, 7, 7)}, path)


def _bad_specification(path: Path) -> None:
    about = {"architecture": "fourier-unet", "spec": '{"widths": [1000000000]}'}
    save_file({"stem.weight": torch.ones(1)}, path, about)


def _no_specification(path: Path) -> None:
    save_file({"stem.weight": torch.ones(1)}, path, {"architecture": "fourier-unet"})


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (Path.touch, "is empty"),
        (_truncated, "truncated, damaged or hostile: BadZipFile"),
        (_truncated_safetensors, "truncated, damaged or hostile: SafetensorError"),
        (_other_zip, "no data.pkl, but 'page1.png'"),
        (_other_network, "calls itself 'resnet' and holds 1 tensor: conv1.weight"),
        (_old_pickle, "bare pickle"),
        (_text, "starts with the bytes 3c 68 74"),
        (_missing_tensor, r"1 tensor missing, such as model\.6\.conv1\.ffc\.convl2g\.weight"),
        (_other_shape, r"bn_l.bias is \(9,\), not \(8,\)"),
        (_not_finite, "not finite"),
        (_stem_only, "not the tensors of a LaMa generator"),
        (_bad_specification, "expected the values"),
        (_no_specification, "specification cannot be read"),
    ],
)
def test_wrong_files(tmp_path: Path, make: Callable[[Path], None], complaint: str) -> None:
    path = tmp_path / "wrong.pt"
    make(path)
    with pytest.raises(WeightsError, match=complaint) as caught:
        load_network(path)
    assert caught.value.source == "wrong.pt"


@pytest.mark.parametrize("length", [1, 8, 9, 64])
def test_files_cut_off_at_the_start(tmp_path: Path, length: int) -> None:
    for form in (bare, plain_safetensors):
        path = tmp_path / form.__name__
        form(path, make_lama())
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(WeightsError):
            load_network(path)


def test_a_safetensors_header_longer_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "h.safetensors"
    path.write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(WeightsError, match="truncated, damaged or hostile"):
        load_network(path)


def test_folders_missing_files_and_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there is no file"):
        load_network(tmp_path / "none.pt")
    with pytest.raises(WeightsError, match="there is no file"):
        load_network(tmp_path)
    with pytest.raises(UnknownNameError, match="there are no weights 'nonsense'"):
        load_network("nonsense")
    with pytest.raises(FileAccessError, match="cannot be read"):
        open_checkpoint(tmp_path)


# The table


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsEntry:
    """One entry in the table, its file in the second of the two folders."""
    folder = tmp_path / "models"
    folder.mkdir()
    path = save_safetensors(make_unet(), UNET, folder / "tiny.safetensors")
    data = path.read_bytes()
    entry = WeightsEntry(
        name="tiny",
        file="tiny.safetensors",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        licence="Apache-2.0",
        architecture="fourier-unet",
        requirement=SizeRequirement(8, 4),
    )
    monkeypatch.setattr(weights, "WEIGHTS", (entry,))
    monkeypatch.setattr(weights, "FOLDERS", (tmp_path / "installed", folder))
    return entry


def test_known_names_are_found_and_checked(shipped: WeightsEntry) -> None:
    assert verify("tiny") == locate("tiny")
    loaded = load_network("tiny")
    assert loaded.spec == UNET
    assert loaded.requirement == shipped.requirement


def test_an_installed_file_comes_first(shipped: WeightsEntry, tmp_path: Path) -> None:
    checkout = locate("tiny")
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / shipped.file).write_bytes(checkout.read_bytes())
    assert locate("tiny") == tmp_path / "installed" / shipped.file


def test_changed_and_missing_files_of_known_names(shipped: WeightsEntry) -> None:
    path = locate("tiny")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for act in (verify, load_network):
        with pytest.raises(WeightsError, match="not the published one: sha256"):
            act("tiny")
    path.write_bytes(data[:-1])
    with pytest.raises(WeightsError, match="not the published one: bytes"):
        verify("tiny")
    path.unlink()
    with pytest.raises(WeightsError, match="lacks the weights 'tiny'"):
        load_network("tiny")


def test_unknown_names_tell_the_known_ones(shipped: WeightsEntry) -> None:
    with pytest.raises(UnknownNameError, match="Known: tiny"):
        locate("other")


def test_the_table_is_true() -> None:
    for entry in weights.WEIGHTS:
        assert verify(entry.name).name == entry.file
        loaded = load_network(entry.name)
        assert (loaded.architecture, loaded.requirement) == (entry.architecture, entry.requirement)


def test_the_folders_are_the_package_s_and_the_checkout_s() -> None:
    package = Path(weights.__file__).parent
    assert set(weights.FOLDERS) == {package / "models", package.parent / "models"}


@pytest.mark.parametrize(
    ("length", "fitting"), [(1, 16), (16, 16), (17, 24), (24, 24), (511, 512), (512, 512)]
)
def test_size_requirement(length: int, fitting: int) -> None:
    assert SizeRequirement(16, 8).fit(length) == fitting


@pytest.mark.parametrize("name", ["TEXTCLEAN_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("true", True), ("ON", True), ("0", False), ("", False)]
)
def test_offline_by_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, offline: bool
) -> None:
    monkeypatch.delenv("TEXTCLEAN_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert not is_offline()
    monkeypatch.setenv(name, value)
    assert is_offline() is offline
    assert is_offline(True)


def test_the_module_loads_no_torch() -> None:
    code = "import sys, textclean.weights, textclean.device; sys.exit('torch' in sys.modules)"
    root = Path(weights.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=120).returncode == 0


def test_loading_networks_loads_no_compiler(tmp_path: Path) -> None:
    lama = save_safetensors(LamaGenerator(LAMA), LAMA, tmp_path / "lama.safetensors")
    names = ["textclean-inpaint", "textclean-ink", str(lama)]
    code = (
        "import sys\nfrom textclean.weights import load_network\n"
        "for name in sys.argv[1:]: load_network(name)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    root = Path(weights.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", code, *names], cwd=root, timeout=120)
    assert run.returncode == 0


def test_names_in_pickles_of_any_protocol(tmp_path: Path) -> None:
    for protocol in range(2, 6):
        buffer = io.BytesIO()
        pickle.Pickler(buffer, protocol).dump({"config": Config(), "n": {1, 2}, "b": b"x"})
        path = archive(tmp_path / f"{protocol}.pt", buffer.getvalue())
        assert open_checkpoint(path).shapes == {}
