"""How the files of this folder were made, from the Pepper&Carrot pages and from nothing.

Needs the ground-truth folder (``comics/``, ``screentone/`` and ``manga/`` as described in its
manifest), which is not part of the project, and a folder of TrueType fonts with ``liberation/`` and
``kristi/`` in it, as Debian's ``fonts-liberation`` and ``fonts-kristi`` install them:

    python samples/make_samples.py DATA FONTS
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pikepdf
from letter import annotate, letter
from PIL import Image

HERE = Path(__file__).resolve().parent
CREDIT = "Pepper&Carrot by David Revoy, www.peppercarrot.com, CC BY 4.0"


def main(data: Path, fonts: Path) -> None:
    """Write all samples."""
    comics = data / "comics"
    _recode(comics / "E16P02_en_lettered.webp", "comic-en.png")
    _recode(comics / "E17P02_ja_lettered.webp", "comic-ja.webp", lossless=True, exact=True)
    _recode(comics / "E06P09_kr_lettered.webp", "comic-ko.jpg", quality=92, subsampling=0)
    _bitonal(data / "screentone" / "E13P02_ja_lettered.webp", "screentone-ja.png")
    _recode(data / "manga" / "msdemo-003-laboratory_lettered.webp", "manga-vector-ja.png")
    chapter = ("E16P02_en", "E17P02_ja", "E17P07_en")
    _comic_archive([comics / f"{name}_lettered.webp" for name in chapter])
    _scan([letter(seed, fonts) for seed in (1, 2, 3)])
    annotated = annotate(letter(4, fonts), fonts)
    _save(Image.fromarray(annotated), "annotated.jpg", quality=88, dpi=(150, 150))


def _recode(source: Path, name: str, **options: object) -> None:
    with Image.open(source) as image:
        _save(image.convert("RGB"), name, **options)


def _bitonal(source: Path, name: str) -> None:
    with Image.open(source) as image:
        _save(image.convert("L").point(lambda v: 255 * (v >= 128)).convert("1"), name)


def _save(image: Image.Image, name: str, **options: object) -> None:
    if name.endswith((".png",)):
        options.setdefault("optimize", True)
    image.save(HERE / name, **options)


def _comic_archive(sources: list[Path]) -> None:
    with zipfile.ZipFile(HERE / "chapter.cbz", "w", zipfile.ZIP_STORED) as archive:
        for number, source in enumerate(sources, 1):
            with Image.open(source) as image:
                stream = io.BytesIO()
                image.convert("RGB").save(stream, "JPEG", quality=88)
            archive.writestr(_entry(f"Episode/{number:03}.jpg"), stream.getvalue())
        notes = CREDIT.replace("&", "&amp;")
        series = "<Series>Pepper&amp;Carrot</Series>"
        info = f"<?xml version='1.0'?><ComicInfo>{series}<Notes>{notes}</Notes></ComicInfo>"
        archive.writestr(_entry("ComicInfo.xml"), info)


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))


def _scan(pages: list[np.ndarray]) -> None:
    """A PDF as scanners write it: a grey JPEG page, a bitonal fax page and a colour JPEG page."""
    pdf = pikepdf.new()
    for number, page in enumerate(pages):
        image = Image.fromarray(page)
        height, width = page.shape[:2]
        if number == 1:
            picture = _fax(pdf, image.convert("L").point(lambda v: 255 * (v >= 150)).convert("1"))
        else:
            picture = _jpeg(pdf, image.convert("L") if number == 0 else image)
        pdf.add_blank_page(page_size=(width * 72 / 150, height * 72 / 150))
        sheet = pdf.pages[-1]
        sheet.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=picture))
        drawing = f"q {width * 72 / 150} 0 0 {height * 72 / 150} 0 0 cm /Im0 Do Q"
        sheet.Contents = pdf.make_stream(drawing.encode())
    pdf.docinfo["/Title"] = "Three scanned pages"
    pdf.save(HERE / "scan.pdf", deterministic_id=True)


def _jpeg(pdf: pikepdf.Pdf, image: Image.Image) -> pikepdf.Object:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80, dpi=(150, 150))
    space = pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB
    return _picture(pdf, stream.getvalue(), image, space, 8, pikepdf.Name.DCTDecode)


def _fax(pdf: pikepdf.Pdf, image: Image.Image) -> pikepdf.Object:
    stream = io.BytesIO()
    image.save(stream, "TIFF", compression="group4", tiffinfo={278: image.height})
    with Image.open(stream) as tiff:
        offset, size = tiff.tag_v2[273][0], tiff.tag_v2[279][0]
        white_is_zero = tiff.tag_v2[262] == 0
    picture = _picture(
        pdf,
        stream.getvalue()[offset : offset + size],
        image,
        pikepdf.Name.DeviceGray,
        1,
        pikepdf.Name.CCITTFaxDecode,
    )
    picture.DecodeParms = pikepdf.Dictionary(
        K=-1, Columns=image.width, Rows=image.height, BlackIs1=not white_is_zero
    )
    return picture


def _picture(
    pdf: pikepdf.Pdf,
    data: bytes,
    image: Image.Image,
    space: pikepdf.Name,
    bits: int,
    filter_: pikepdf.Name,
) -> pikepdf.Object:
    stream = pikepdf.Stream(pdf, data)
    stream.stream_dict = pikepdf.Dictionary(
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=image.width,
        Height=image.height,
        ColorSpace=space,
        BitsPerComponent=bits,
        Filter=filter_,
    )
    return pdf.make_indirect(stream)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
