"""Any image, cleaned under any mask through a source and a sink: nothing else changes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from io_samples import (
    add_image_page,
    changed_outside,
    encoded,
    exif,
    left_behind,
    noise,
    pdf_image,
    rgb_profile,
    save_pdf,
)
from pikepdf import Array, Dictionary, Name
from PIL import Image

from textclean.io import open_sink, open_source
from textclean.io.scanlines import encode_scanlines
from textclean.native import merge, stored
from textclean.types import Page

MODES = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "RGB;16", "RGBA;16"),
    "tiff": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "RGB;16", "CMYK"),
    "bmp": ("1", "L", "P", "RGB"),
    "webp": ("RGB", "RGBA"),
    "pdf": ("1", "L", "RGB", "P"),
}
SUFFIX = {"png": ".png", "tiff": ".tif", "bmp": ".bmp", "webp": ".webp", "pdf": ".pdf"}
TIFF_COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd")


@dataclass(frozen=True)
class Spec:
    """An image file that can be drawn."""

    kind: str
    mode: str
    width: int
    height: int
    seed: int
    colors: int
    alpha: bool
    profile: bool
    dpi: int | None
    orientation: int
    compression: str
    level: int


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    kind = draw(st.sampled_from(sorted(MODES)))
    return Spec(
        kind=kind,
        mode=draw(st.sampled_from(MODES[kind])),
        width=draw(st.integers(1, 40)),
        height=draw(st.integers(1, 40)),
        seed=draw(st.integers(0, 2**16)),
        colors=draw(st.integers(2, 256)),
        alpha=draw(st.booleans()),
        profile=draw(st.booleans()),
        dpi=draw(st.none() | st.integers(1, 2400)),
        orientation=draw(st.integers(1, 8)),
        compression=draw(st.sampled_from(TIFF_COMPRESSIONS)),
        level=draw(st.integers(0, 9)),
    )


def samples_of(spec: Spec) -> Any:
    shape = (spec.height, spec.width)
    base = spec.mode.removesuffix(";16")
    wide = spec.mode.endswith(";16")
    channels = {"I": 1, "P": 1, "1": 1}.get(base, len(base))
    if channels > 1:
        shape = (*shape, channels)
    top = 65536 if wide else 2 if spec.mode == "1" else spec.colors if base == "P" else 256
    return noise(*shape, seed=spec.seed, top=top, dtype=np.uint16 if wide else np.uint8)


def file_of(spec: Spec, path: Path) -> None:
    samples = samples_of(spec)
    if spec.kind == "pdf":
        pdf_of(spec, samples, path)
        return
    if spec.mode in ("RGB;16", "RGBA;16"):
        order = [2, 1, 0, 3][: samples.shape[2]]
        suffix = ".png" if spec.kind == "png" else ".tiff"
        path.write_bytes(cv2.imencode(suffix, samples[..., order])[1].tobytes())
        return
    if spec.mode == "1":
        image = Image.fromarray(samples.astype(bool))
    elif spec.mode == "I;16":
        image = Image.fromarray(samples)
    else:
        image = Image.frombytes(spec.mode, (spec.width, spec.height), samples.tobytes())
    options: dict[str, Any] = {}
    if spec.mode == "P":
        image.putpalette(noise(3 * spec.colors, seed=spec.seed + 1).tobytes())
        if spec.alpha and spec.kind == "png":
            options["transparency"] = noise(spec.colors, seed=spec.seed + 2).tobytes()
    if spec.profile and spec.kind != "bmp":
        options["icc_profile"] = rgb_profile()
    if spec.dpi and spec.kind != "webp":
        options["dpi"] = (spec.dpi, spec.dpi + 1)
    if spec.kind in ("png", "webp"):
        options["exif"] = exif(spec.orientation)
    if spec.kind == "png":
        options["compress_level"] = spec.level
    if spec.kind == "tiff":
        options |= {"compression": spec.compression, "tiffinfo": {274: spec.orientation}}
    if spec.kind == "webp":
        options |= {"lossless": True, "exact": True, "method": 0}
    path.write_bytes(encoded(image, spec.kind.upper(), **options))


def pdf_of(spec: Spec, samples: Any, path: Path) -> None:
    size = {"Width": spec.width, "Height": spec.height}

    def fill(pdf: Any) -> None:
        if spec.mode == "1":
            rows, step, keys = np.packbits(samples, axis=1), 1, {"BitsPerComponent": 1}
        else:
            rows, step, keys = samples.reshape(spec.height, -1), len(spec.mode), {}
        space: Any = Name.DeviceRGB if spec.mode == "RGB" else Name.DeviceGray
        if spec.mode == "P":
            table = noise(3 * spec.colors, seed=spec.seed + 1).tobytes()
            space = Array([Name.Indexed, Name.DeviceRGB, spec.colors - 1, pdf.make_stream(table)])
        parms = Dictionary(
            Predictor=15, Colors=step, Columns=spec.width, BitsPerComponent=keys.get(
                "BitsPerComponent", 8),
        )  # fmt: skip
        data = encode_scanlines(rows, step, filtered=spec.level > 4)
        image = pdf_image(pdf, data, Name.FlateDecode, space, DecodeParms=parms, **(size | keys))
        if spec.alpha and spec.mode != "P":
            image.Decode = Array([1, 0] * step)
        add_image_page(pdf, image, Rotate=90 * (spec.orientation % 4))

    save_pdf(path, fill)


def same_metadata(before: Page, after: Page) -> None:
    a, b = before.metadata, after.metadata
    assert (a.format, a.icc, a.exif, a.dpi, a.orientation) == (
        b.format,
        b.icc,
        b.exif,
        b.dpi,
        b.orientation,
    )
    assert a.extra == b.extra
    assert (before.palette is None) == (after.palette is None)
    if before.palette is not None:
        assert np.array_equal(before.palette, after.palette)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(spec=specs(), share=st.floats(0, 1), fill=st.integers(0, 2**16))
def test_nothing_outside_the_mask_changes(spec: Spec, share: float, fill: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"in{SUFFIX[spec.kind]}"
        out = Path(folder) / f"out{SUFFIX[spec.kind]}"
        file_of(spec, path)
        random = np.random.default_rng(fill)
        with open_source(path) as source, open_sink(source, out) as sink:
            (entry,) = source.entries
            page = entry.load()
            samples = samples_of(spec)
            if spec.kind != "pdf" or not spec.alpha:
                assert np.array_equal(page.pixels, samples)
            mask = random.random(page.rgb.shape[:2]) < share
            new = merge(page, random.integers(0, 256, page.rgb.shape).astype(np.uint8), mask)
            as_stored = stored(mask, page.metadata.orientation)
            sink.write(entry, new, as_stored)
            sink.commit()
        with open_source(out) as source:
            after = source.entries[0].load()
        assert changed_outside(page, after, as_stored) == 0
        assert np.array_equal(after.pixels, new.pixels)
        assert np.array_equal(after.rgb, new.rgb)
        same_metadata(page, after)
        assert left_behind(Path(folder)) == []
        if not mask.any():
            assert out.read_bytes() == path.read_bytes()
