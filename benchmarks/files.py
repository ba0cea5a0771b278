"""What files cost: ``python benchmarks/files.py [--quick]`` prints the tables of README.md here.

Nothing is detected or inpainted: the same mask is wiped on every page, so that what is measured is
reading and writing.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name
from PIL import Image, TiffImagePlugin

from textclean import Region, clean_document, compare_documents
from textclean.evaluation.memory import PeakMemory
from textclean.io import jpeg_compile, open_sink, open_source
from textclean.native import merge, stored
from textclean.types import Mask, Page

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
SAMPLE_FILES = (
    "comic-en.png", "screentone-ja.png", "manga-vector-ja.png", "comic-ko.jpg", "annotated.jpg",
    "comic-ja.webp", "chapter.cbz", "scan.pdf",
)  # fmt: skip
MEMORY_LIMIT_MB = 1500


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        size: Width and height of a page.
        repeats: How often each time is taken.
        pdf_pages: Pages of the long PDF.
        cbz_pages: Pages of the long CBZ.
    """

    size: tuple[int, int]
    repeats: int
    pdf_pages: int
    cbz_pages: int


FULL = Scale((1240, 1754), 7, 2000, 1000)
QUICK = Scale((496, 702), 3, 200, 100)


@dataclass(frozen=True)
class Format:
    """A format that is measured.

    Attributes:
        name: What it is called in the table.
        suffix: Of its files.
        make: Gives a file around a picture.
        pillow: Decodes a file with Pillow and encodes it again in the same way; None = Pillow
            cannot.
        plain: Whether loops over bits are not to be compiled.
    """

    name: str
    suffix: str
    make: Callable[[Image.Image], bytes]
    pillow: Callable[[bytes], bytes] | None
    plain: bool = False


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller pages, shorter documents")
    parser.add_argument("--only", choices=("formats", "samples", "long"), help="one table")
    parser.add_argument("--peak", nargs=2, metavar=("IN", "OUT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        print_peak(Path(given.peak[0]), Path(given.peak[1]))
        return
    scale = QUICK if given.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tables: dict[str, Callable[[], None]] = {
            "formats": lambda: print_formats(scale, place),
            "samples": lambda: print_samples(place),
            "long": lambda: print_long(scale, place),
        }
        for name, table in tables.items():
            if given.only in (None, name):
                table()


# Each table


def print_formats(scale: Scale, place: Path) -> None:
    """Pixels changed, and time against Pillow."""
    width, height = scale.size
    print(f"\nOne page of {width} x {height}, {scale.repeats} runs each, interleaved; medians of "
          "processor time, of fsync the waiting\n")  # fmt: skip
    print("| format | changed outside the mask | of it in JPEG blocks | out/in | read, s | "
          "write, s | Pillow, s | ratio | fsync, s |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    picture = drawn_page(width, height)
    for kind in FORMATS:
        source, out = place / f"in{kind.suffix}", place / f"out{kind.suffix}"
        source.write_bytes(kind.make(picture))
        jpeg_compile.PATIENCE = float("inf") if kind.plain else -1
        masks = wipe(source, out)
        found = compare_documents(source, out, masks=masks)
        rest = sum(int((~mask).sum()) for mask in masks.values())
        outside = (found.changed_blocks + found.changed_outside) / rest
        blocks = found.changed_blocks / rest
        ratio = out.stat().st_size / source.stat().st_size
        ours, theirs = timed(kind, source, out, scale.repeats)
        against = f"{theirs:.3f} | {(ours.read + ours.write) / theirs:.2f}" if theirs else "- | -"
        print(f"| {kind.name} | {outside:.4%} | {blocks:.4%} | {ratio:.2f} | {ours.read:.3f} | "
              f"{ours.write:.3f} | {against} | {ours.sync:.3f} |", flush=True)  # fmt: skip
        others = sorted({d.kind for d in found.unexpected} - {"pixels"})
        if others:
            print(f"  {kind.name}: also different: {', '.join(others)}", file=sys.stderr)


def print_samples(place: Path) -> None:
    """Size of what comes out, on the samples."""
    print("\nSamples: bytes out / bytes in, with the mask wiped on every page\n")
    print("| file | MB in | out/in | changed outside the mask |")
    print("|---|---|---|---|")
    for name in SAMPLE_FILES:
        source, out = SAMPLES / name, place / name
        masks = wipe(source, out)
        found = compare_documents(source, out, masks=masks)
        rest = sum(int((~mask).sum()) for mask in masks.values())
        size, changed = source.stat().st_size, found.changed_outside + found.changed_blocks
        print(f"| {name} | {size / 1e6:.2f} | {out.stat().st_size / size:.2f} | "
              f"{changed / rest:.4%} |")  # fmt: skip


def print_long(scale: Scale, place: Path) -> None:
    """Peak memory, each document in a process of its own."""
    print(f"\nLong documents, all pages cleaned; the limit is {MEMORY_LIMIT_MB} MB\n")
    print("| document | MB in | seconds | s a page | peak MB | import alone |")
    print("|---|---|---|---|---|---|")
    makers = (("pdf", scale.pdf_pages, long_pdf), ("cbz", scale.cbz_pages, long_cbz))
    for suffix, count, make in makers:
        source = place / f"long.{suffix}"
        make(source, count)
        out = place / f"long-out.{suffix}"
        done = subprocess.run(
            [sys.executable, __file__, "--peak", str(source), str(out)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        seconds, before, peak = map(float, done.stdout.split())
        size = source.stat().st_size / 1e6
        print(f"| {suffix.upper()}, {count} pages | {size:.1f} | {seconds:.1f} | "
              f"{seconds / count:.3f} | {peak:.0f} | {before:.0f} |")  # fmt: skip


def print_peak(source: Path, out: Path) -> None:
    """Clean a document with a detector that costs nothing; seconds, memory before, peak."""
    memory = PeakMemory()
    before = memory.megabytes()
    start = time.perf_counter()
    result = clean_document(source, out, detector=Corner(), inpainter=paint, verify=0, ink=False)
    seconds = time.perf_counter() - start
    if any(page.status != "cleaned" for page in result.pages):
        raise SystemExit(f"not all pages were cleaned: {result.failed[:1]}")
    print(seconds, before, memory.megabytes())


class Corner:
    """Takes a rectangle near the top left corner for text."""

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The one region."""
        width, height = page.size
        x0, y0, x1, y1 = width // 8, height // 8, width // 2, height // 4
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        return (Region(polygon=corners, lines=(corners,)),)


def paint(image: Any, mask: Mask, see_through: Mask | None = None) -> Any:
    """Fill with grey."""
    filled = image.copy()
    filled[mask] = 200
    return filled


# What is done to a document


@dataclass
class Spent:
    """What a document cost, in seconds.

    Attributes:
        read: Processor time to open and decode it.
        write: To encode, check and commit it.
        sync: Waiting for the disk.
    """

    read: float = 0.0
    write: float = 0.0
    sync: float = 0.0


def wipe(source: Path, out: Path, spent: Spent | None = None) -> dict[int, Mask]:
    """Write a document with the mask painted white on every page; the masks as stored."""
    masks: dict[int, Mask] = {}
    spent = Spent() if spent is None else spent
    clock = time.process_time
    start = clock()
    with open_source(source) as document, open_sink(document, out, overwrite=True) as sink:
        for entry in document.entries:
            page = entry.load()
            spent.read += clock() - start
            mask = lettering_mask(*page.rgb.shape[:2])
            orientation = page.metadata.orientation
            masks[entry.number] = np.ascontiguousarray(stored(mask, orientation))
            new = merge(page, np.full_like(page.rgb, 255), mask)
            start = clock()
            sink.write(entry, new, masks[entry.number])
            spent.write += clock() - start
            start = clock()
        start = clock()
        sink.commit()
        spent.write += clock() - start
    return masks


@contextmanager
def timed_sync(spent: Spent) -> Iterator[None]:
    """Count the seconds that ``os.fsync`` takes."""
    sync = os.fsync

    def timed(handle: int) -> None:
        start = time.perf_counter()
        sync(handle)
        spent.sync += time.perf_counter() - start

    os.fsync = timed
    try:
        yield
    finally:
        os.fsync = sync


def lettering_mask(height: int, width: int) -> Mask:
    """A page's worth of lettering: rows of marks in a few blocks, about 4 % of it."""
    mask = np.zeros((height, width), bool)
    step = max(height // 60, 4)
    for top, left in ((0.08, 0.1), (0.3, 0.55), (0.62, 0.2), (0.8, 0.6)):
        y, x = int(top * height), int(left * width)
        for row in range(4):
            for mark in range(12):
                at = x + mark * step
                mask[y + 2 * row * step : y + (2 * row + 1) * step, at : at + step * 3 // 4] = True
    return mask


def timed(kind: Format, source: Path, out: Path, repeats: int) -> tuple[Spent, float | None]:
    """Medians of ours and of Pillow's, taken in turn."""
    ours, theirs = [], []
    for _ in range(repeats):
        spent = Spent()
        with timed_sync(spent):
            wipe(source, out, spent)
        ours.append(spent)
        if kind.pillow is not None:
            start = time.process_time()
            out.with_suffix(".pillow").write_bytes(kind.pillow(source.read_bytes()))
            theirs.append(time.process_time() - start)
    median = Spent(*(statistics.median(values) for values in zip(*map(astuple, ours), strict=True)))
    return median, statistics.median(theirs) if theirs else None


# The pages


def drawn_page(width: int, height: int, seed: int = 0) -> Image.Image:
    """A page with soft shading, lines, flat areas, screentone and grain."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    shade = 170 + 60 * np.sin(x / width * 4 + seed) * np.cos(y / height * 3)
    rgb = np.stack([shade, shade * 0.95, 255 - shade * 0.4], axis=2)
    rgb += random.normal(0, 2, (height, width, 1))
    canvas = np.clip(rgb, 0, 255).astype(np.uint8)
    for _ in range(60):
        a, b = random.integers(0, (width, height), (2, 2)).tolist()
        cv2.line(canvas, a, b, (15, 15, 20), 2, cv2.LINE_AA)
    for _ in range(4):
        center = random.integers(0, (width, height)).tolist()
        cv2.ellipse(canvas, center, (width // 7, height // 12), 0, 0, 360, (255, 255, 255), -1)
    dots = ((x % 8 - 4) ** 2 + (y % 8 - 4) ** 2) < 6
    corner = np.s_[height * 3 // 4 :, : width // 2]
    canvas[corner][dots[corner]] = 20
    return Image.fromarray(canvas)


def bilevel(picture: Image.Image) -> Image.Image:
    """Black and white without dither, as text is scanned."""
    return picture.convert("L").point(lambda level: 255 if level > 128 else 0).convert("1")


def converted(picture: Image.Image, mode: str) -> Image.Image:
    """The page in another mode."""
    if mode == "1":
        return bilevel(picture)
    if mode == "P":
        return picture.quantize(64, dither=Image.Dither.NONE)
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * np.uint16(257))
    return picture.convert(mode)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """An image file."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def image_format(name: str, suffix: str, mode: str, kind: str, **options: Any) -> Format:
    """A format that Pillow writes."""

    def make(picture: Image.Image) -> bytes:
        return saved(converted(picture, mode), kind, **options)

    def again(data: bytes) -> bytes:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return saved(image, kind, **options)

    return Format(name, suffix, make, again)


def pdf_format(name: str, mode: str, codec: str) -> Format:
    """A PDF of one image; Pillow decodes and encodes the same picture in a file of its own."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "dct": ("JPEG", {"quality": 85}),
        "flate": ("PNG", {}),
        "g4": ("TIFF", {"compression": "group4"}),
        "jpx": ("JPEG2000", {"irreversible": False}),
    }
    kind, options = kinds[codec]
    files: list[bytes] = []

    def make(picture: Image.Image) -> bytes:
        page = converted(picture, mode)
        files[:] = [saved(page, kind, **options)]
        with pikepdf.new() as pdf:
            add_image_page(pdf, page, codec)
            out = io.BytesIO()
            pdf.save(out)
        return out.getvalue()

    def again(_: bytes) -> bytes:
        with Image.open(io.BytesIO(files[0])) as image:
            image.load()
            return saved(image, kind, **options)

    return Format(name, ".pdf", make, again)


def add_image_page(pdf: pikepdf.Pdf, picture: Image.Image, codec: str) -> None:
    """A page that is one image, 150 pixels an inch."""
    data, filters, parms = packed(picture, codec)
    image = pdf.make_stream(
        data,
        Type=Name.XObject, Subtype=Name.Image, Width=picture.width, Height=picture.height,
        BitsPerComponent=1 if picture.mode == "1" else 8, Filter=filters,
        ColorSpace=Name.DeviceRGB if picture.mode == "RGB" else Name.DeviceGray,
    )  # fmt: skip
    if parms is not None:
        image.DecodeParms = parms
    size = picture.width * 0.48, picture.height * 0.48
    page = pdf.add_blank_page(page_size=size)
    page.obj.Contents = pdf.make_stream(f"q {size[0]} 0 0 {size[1]} 0 0 cm /Im0 Do Q".encode())
    page.obj.Resources = Dictionary(XObject=Dictionary(Im0=image))


def packed(picture: Image.Image, codec: str) -> tuple[bytes, Name, Dictionary | None]:
    """The stream of an image, its filter and the filter's parameters."""
    if codec == "dct":
        return saved(picture, "JPEG", quality=85), Name.DCTDecode, None
    if codec == "jpx":
        return saved(picture, "JPEG2000", irreversible=False), Name.JPXDecode, None
    if codec == "g4":
        tags = {TiffImagePlugin.ROWSPERSTRIP: picture.height}
        data = saved(picture, "TIFF", compression="group4", tiffinfo=tags)
        with Image.open(io.BytesIO(data)) as tiff:
            found: Any = tiff
            at, length = found.tag_v2[273][0], found.tag_v2[279][0]
            black = found.tag_v2[262] == 1
        parms = Dictionary(K=-1, Columns=picture.width, Rows=picture.height, BlackIs1=black)
        return data[at : at + length], Name.CCITTFaxDecode, parms
    # A PNG's pixels are a Flate stream with PNG predictors.
    colors = len(picture.getbands())
    data = b"".join(idat(saved(picture, "PNG")))
    parms = Dictionary(Predictor=15, Colors=colors, Columns=picture.width, BitsPerComponent=8)
    return data, Name.FlateDecode, parms


def idat(png: bytes) -> list[bytes]:
    """The pixel chunks of a PNG."""
    found, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            found.append(png[at + 8 : at + 8 + length])
        at += 12 + length
    return found


def composite_pdf(picture: Image.Image) -> bytes:
    """A page of a scan with printed words over it."""
    with pikepdf.new() as pdf:
        add_image_page(pdf, picture, "dct")
        page = pdf.pages[0]
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.obj.Resources.Font = Dictionary(F1=font)
        words = pdf.make_stream(b"BT /F1 14 Tf 60 300 Td (Words over a picture) Tj ET")
        page.obj.Contents = Array([page.obj.Contents, pdf.make_indirect(words)])
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def cbz_of(picture: Image.Image) -> bytes:
    """An archive of one PNG page."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("1.png", saved(picture, "PNG"))
    return out.getvalue()


def cbz_again(data: bytes) -> bytes:
    """The page of an archive, decoded and encoded."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        png = archive.read("1.png")
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        return cbz_of(image)


COMPILED = (
    image_format("PNG RGB", ".png", "RGB", "PNG"),
    image_format("PNG palette", ".png", "P", "PNG"),
    image_format("PNG 16-bit grey", ".png", "I;16", "PNG"),
    image_format("PNG bitonal", ".png", "1", "PNG"),
    image_format("JPEG 4:2:0", ".jpg", "RGB", "JPEG", quality=88, subsampling=2),
    image_format("JPEG 4:4:4", ".jpg", "RGB", "JPEG", quality=92, subsampling=0),
    image_format("JPEG grey", ".jpg", "L", "JPEG", quality=88),
    image_format("JPEG progressive", ".jpg", "RGB", "JPEG", quality=88, progressive=True),
    image_format("JPEG CMYK", ".jpg", "CMYK", "JPEG", quality=90),
    image_format("WebP lossless", ".webp", "RGB", "WEBP", lossless=True, exact=True),
    image_format("WebP lossy", ".webp", "RGB", "WEBP", quality=95),
    image_format("TIFF LZW", ".tif", "RGB", "TIFF", compression="tiff_lzw"),
    image_format("TIFF Deflate CMYK", ".tif", "CMYK", "TIFF", compression="tiff_adobe_deflate"),
    image_format("TIFF G4", ".tif", "1", "TIFF", compression="group4"),
    image_format("TIFF JPEG", ".tif", "RGB", "TIFF", compression="jpeg", quality=90),
    image_format("BMP", ".bmp", "RGB", "BMP"),
    pdf_format("PDF JPEG", "RGB", "dct"),
    pdf_format("PDF Flate", "RGB", "flate"),
    pdf_format("PDF G4", "1", "g4"),
    pdf_format("PDF JPEG 2000", "RGB", "jpx"),
    Format("PDF composite", ".pdf", composite_pdf, None),
    Format("CBZ of PNG", ".cbz", cbz_of, cbz_again),
)
FORMATS = (
    *COMPILED,
    *(replace(kind, name=f"{kind.name}, no numba", plain=True)
      for kind in COMPILED if kind.suffix == ".jpg"),
)  # fmt: skip


# Long documents


def small_pages(count: int) -> list[NDArray[np.uint8]]:
    """Some different small pages; a document shows each of them several times, changed."""
    return [np.asarray(drawn_page(248, 350, seed)) for seed in range(min(count, 8))]


def numbered(pages: list[NDArray[np.uint8]], number: int) -> Image.Image:
    """Page ``number``: no two are the same."""
    page = pages[number % len(pages)].copy()
    cv2.putText(page, str(number), (120, 300), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (10, 10, 10), 3)
    return Image.fromarray(page)


def long_pdf(path: Path, count: int) -> None:
    """A PDF of many scans: JPEG, Flate and G4 in turn."""
    pages = small_pages(count)
    with pikepdf.new() as pdf:
        for number in range(count):
            picture = numbered(pages, number)
            codec = ("dct", "flate", "g4")[number % 3]
            add_image_page(pdf, bilevel(picture) if codec == "g4" else picture, codec)
        pdf.save(path)


def long_cbz(path: Path, count: int) -> None:
    """A CBZ of many pages: JPEG and PNG in turn."""
    pages = small_pages(count)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            kind, suffix = (("JPEG", "jpg"), ("PNG", "png"))[number % 2]
            archive.writestr(f"{number:04}.{suffix}", saved(numbered(pages, number), kind))


if __name__ == "__main__":
    main()
