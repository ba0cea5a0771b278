"""The options that several commands share, each declared once.

A parameter has the name of the field of :class:`textclean.options.Options` that it sets, and None
stands for "as in the profile": :func:`options_from` relies on both.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from textclean.errors import OptionsError
from textclean.options import SCRUB_ITEMS, SCRUB_USUAL, Options, make_options
from textclean.options import MaskStyle as MaskStyles

if TYPE_CHECKING:
    from collections.abc import Mapping

FIND = "What is removed"
MASK = "How it is removed"
FILES = "Files"
BESIDE = "Written beside it"
RUN = "Run"


def _option(*names: str, help: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(
        *names, help=help, rich_help_panel=panel, metavar=metavar, show_default=False
    )


Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT",
        help="Images (PNG, JPEG, WebP, TIFF, BMP, JP2, AVIF, JXL), comics (CBZ, CBR, CB7, CBT, "
        "EPUB), PDFs, folders of any of them; patterns like 'vol*/*.cbz'; - for a list on "
        "standard input.",
        show_default=False,
    ),
]

# -- what is removed
Profile = Annotated[
    str,
    typer.Option(
        help="manga, comic, document or annotations: sets the other defaults.",
        rich_help_panel=FIND,
        metavar="NAME",
    ),
]
Detector = Annotated[
    str | None,
    _option("--detector", help="ppocr (default), easyocr or regions.", panel=FIND, metavar="NAME"),
]
DetectorWeights = Annotated[
    str | None,
    _option(
        "--detector-weights",
        help="Other detection weights of the same family.",
        panel=FIND,
        metavar="FILE",
    ),
]
RecognizerWeights = Annotated[
    str | None,
    _option(
        "--recognizer-weights",
        help="Other recognition weights of the same family.",
        panel=FIND,
        metavar="FILE",
    ),
]
Regions = Annotated[
    str | None,
    _option(
        "--regions",
        help="Take the regions from this JSON file instead of looking for text.",
        panel=FIND,
        metavar="FILE",
    ),
]
Only = Annotated[
    list[str] | None,
    _option(
        "--only",
        help="Remove only these kinds: bubble, caption, free, sfx, sign; with --profile "
        "annotations handwriting, highlighter, stamp, pen. Separate with commas.",
        panel=FIND,
        metavar="KINDS",
    ),
]
Except = Annotated[
    list[str] | None,
    _option("--except", help="Keep these kinds.", panel=FIND, metavar="KINDS"),
]
Ink = Annotated[
    bool | None,
    _option(
        "--ink/--no-ink",
        help="Let the ink network look at every pixel: missed lettering, exact strokes, bubbles.",
        panel=FIND,
    ),
]
InkWeights = Annotated[
    str | None,
    _option("--ink-weights", help="Other weights for the ink network.", panel=FIND, metavar="FILE"),
]
Sfx = Annotated[
    str | None,
    _option(
        "--sfx",
        help="Sound effects: remove or keep. Kept by default in manga and comics, as most groups "
        "letter over them.",
        panel=FIND,
        metavar="CHOICE",
    ),
]
KeepLanguage = Annotated[
    list[str] | None,
    _option(
        "--keep-language",
        help="Keep text in these languages, such as en or ja. Reads the text.",
        panel=FIND,
        metavar="CODES",
    ),
]
KeepText = Annotated[
    str | None,
    _option(
        "--keep-text",
        help="Keep text in which this regular expression is found. Reads the text.",
        panel=FIND,
        metavar="REGEX",
    ),
]
MinScore = Annotated[
    float | None,
    _option(
        "--min-score",
        help="Keep what was detected with a lower score, 0 to 1.",
        panel=FIND,
        metavar="SCORE",
    ),
]
Ocr = Annotated[
    bool | None,
    _option("--ocr/--no-ocr", help="Read the text, for the regions file.", panel=FIND),
]
ReadingOrder = Annotated[
    str | None,
    _option(
        "--reading-order",
        help="rtl, ltr, or auto: from the direction of the text.",
        panel=FIND,
        metavar="ORDER",
    ),
]
Pages = Annotated[
    str | None,
    _option(
        "--pages",
        help="Only these pages, such as 1-4,7; the others stay as they are.",
        panel=FIND,
        metavar="LIST",
    ),
]

KeepCover = Annotated[
    bool | None,
    _option(
        "--keep-cover",
        help="Leave the cover as it is: the first page, or what the comic's own description or "
        "the e-book calls so.",
        panel=FIND,
    ),
]

# -- how it is removed
Inpainter = Annotated[
    str | None,
    _option(
        "--inpainter",
        help="Fills what a plain colour or gradient cannot: auto (default), another name from "
        "`textclean models list`, or a file of weights.",
        panel=MASK,
        metavar="NAME|FILE",
    ),
]
MaskStyle = Annotated[
    str | None,
    _option(
        "--mask",
        help="strokes (default): the pixels of the lettering; polygons: everything in the outline. "
        "Or a picture (a folder of them) that --mask-out wrote and you changed: exactly what it "
        "shows is removed.",
        panel=MASK,
        metavar="STYLE|PATH",
    ),
]
Dilate = Annotated[
    str | None,
    _option(
        "--dilate",
        help="Grow the strokes by so many pixels, or auto (default): judged from the image.",
        panel=MASK,
        metavar="PX|auto",
    ),
]
Verify = Annotated[
    int | None,
    _option(
        "--verify",
        help="How often text that is still found is removed with a larger mask, 0 to 3.",
        panel=MASK,
        metavar="N",
    ),
]
Strict = Annotated[
    bool | None,
    _option(
        "--strict",
        help="Exit with 6 when text is left after that. The output is written all the same.",
        panel=MASK,
    ),
]

# -- files
To = Annotated[
    str | None,
    _option(
        "--to",
        help="Convert to cbz, cb7, epub, pdf, tiff, folder (of images), or a picture to png, webp, "
        "bmp (like tiff without loss) or jpeg (quality 95); documents of pages become folders of "
        "these four. By default the output's name decides.",
        panel=FILES,
        metavar="FORMAT",
    ),
]
Overwrite = Annotated[
    bool,
    _option("--overwrite", help="Replace outputs that are there already.", panel=FILES),
]
MaxPixels = Annotated[
    int | None,
    _option(
        "--max-pixels",
        help="Refuse pages with more pixels before decoding them; 300 million by default.",
        panel=FILES,
        metavar="N",
    ),
]
Promote = Annotated[
    bool | None,
    _option(
        "--promote",
        help="Let palette pages (PNG, TIFF) become RGB instead of using the palette's entries.",
        panel=FILES,
    ),
]
AllowLossy = Annotated[
    bool | None,
    _option(
        "--allow-lossy",
        help="Let lossy WebP, AVIF, JPEG XL and JPEG 2000 pages come back lossy, smaller but "
        "changed everywhere a little. By default they come back lossless.",
        panel=FILES,
    ),
]
PdfRenderer = Annotated[
    str | None,
    _option(
        "--pdf-renderer",
        help="pdfium (default) or poppler, for PDF pages that are not one image.",
        panel=FILES,
        metavar="NAME",
    ),
]
PdfDpi = Annotated[
    int | None,
    _option(
        "--pdf-dpi",
        help="Resolution at which such pages are rendered; 300 by default, or that of the page's "
        "own scans where it is higher.",
        panel=FILES,
        metavar="DPI",
    ),
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        envvar="TEXTCLEAN_PASSWORD",
        help="Opens encrypted PDFs. Better given in the environment than on the command line.",
        rich_help_panel=FILES,
        metavar="TEXT",
        show_default=False,
    ),
]

Scrub = Annotated[
    bool | None,
    _option(
        "--scrub/--no-scrub",
        help="Also remove what a PDF carries besides its pages: annotations (links and form fields "
        "stay), thumbnails, private data of programs, search index, alternate texts of cleaned "
        "pages, attachments. On with --profile annotations.",
        panel=FILES,
    ),
]
ScrubItems = Annotated[
    list[str] | None,
    _option(
        "--scrub-items",
        help="What --scrub removes: annotations, thumbnails, piece-info, search-index, alternates, "
        "attachments, xmp-thumbnails, and hidden-text (all invisible text, not only beneath "
        "cleaned areas). +hidden-text or -attachments change the usual list. Separate with commas.",
        panel=FILES,
        metavar="ITEMS",
    ),
]
AllowSigned = Annotated[
    bool | None,
    _option(
        "--allow-signed",
        help="Clean signed PDFs, too; their signatures are removed.",
        panel=FILES,
    ),
]
AllowXfa = Annotated[
    bool | None,
    _option(
        "--allow-xfa",
        help="Clean XFA forms, too; the program that makes their pages is removed.",
        panel=FILES,
    ),
]

# -- written beside it
MaskOut = Annotated[
    Path | None,
    _option(
        "--mask-out",
        help="The mask as a PNG, white = removed; a folder for more than one page.",
        panel=BESIDE,
        metavar="PATH",
    ),
]
PatchOut = Annotated[
    Path | None,
    _option(
        "--patch-out",
        help="The cleaned pixels alone, as a transparent PNG; a folder for more than one page.",
        panel=BESIDE,
        metavar="PATH",
    ),
]
Psd = Annotated[
    Path | None,
    _option(
        "--psd",
        help="The page as layers for Photoshop: original, clean patches, mask, text boxes; a "
        "folder for more than one page. A name that ends in .psb makes a PSB.",
        panel=BESIDE,
        metavar="PATH",
    ),
]
PsdPerRegion = Annotated[
    bool,
    _option(
        "--psd-per-region",
        help="In --psd and --ora, the clean patch of each region in a layer of its own.",
        panel=BESIDE,
    ),
]
Psb = Annotated[
    bool,
    _option(
        "--psb",
        help="Write --psd as PSBs: a PSD holds at most 30,000 pixels a side.",
        panel=BESIDE,
    ),
]
Ora = Annotated[
    Path | None,
    _option(
        "--ora", help="The same layers as OpenRaster, for Krita and GIMP.", panel=BESIDE,
        metavar="PATH",
    ),
]  # fmt: skip
Split = Annotated[
    int | None,
    _option(
        "--split",
        help="Cut pages with a longer side than this into several files of layers.",
        panel=BESIDE,
        metavar="PX",
    ),
]
RegionsOut = Annotated[
    Path | None,
    _option(
        "--regions-out",
        help="What was found and decided, as JSON; a folder for more than one input.",
        panel=BESIDE,
        metavar="PATH",
    ),
]
RegionsFormat = Annotated[
    str,
    _option(
        "--regions-format",
        help="What --regions-out is written as: textclean (default), mokuro, coco or labelme (a "
        "file for each page).",
        panel=BESIDE,
        metavar="NAME",
    ),
]
Report = Annotated[
    list[Path] | None,
    _option(
        "--report",
        help="What happened to every page: .html is one file to look at, with pictures before and "
        "after (beside it, in NAME-files/, when they take more than 24 MB); .json the same as "
        "data. May be given twice.",
        panel=BESIDE,
        metavar="FILE",
    ),
]

# -- run
Device = Annotated[
    str | None,
    _option(
        "--device", help="auto (default), cpu, cuda, cuda:N or mps.", panel=RUN, metavar="NAME"
    ),
]
Devices = Annotated[
    str | None,
    _option(
        "--device",
        help="auto (default), cpu, cuda, cuda:N or mps; several GPUs with commas: cuda:0,cuda:1.",
        panel=RUN,
        metavar="NAMES",
    ),
]
Jobs = Annotated[
    int | None,
    _option(
        "--jobs",
        "-j",
        help="Worker processes; 0 = everything in this process. By default as many as there are "
        "cores and memory for, once there are some pages.",
        panel=RUN,
        metavar="N",
    ),
]
Engine = Annotated[
    str,
    _option(
        "--engine",
        help="What the workers are: processes of this machine (default), or actors of Ray (ray), "
        "here or in the cluster that RAY_ADDRESS names; needs textclean[ray].",
        panel=RUN,
        metavar="NAME",
    ),
]
Memory = Annotated[
    str | None,
    _option(
        "--memory",
        help="What all processes together may use, such as 2G; larger pages are refused. By "
        "default most of what is free.",
        panel=RUN,
        metavar="SIZE",
    ),
]
Resume = Annotated[
    bool | None,
    _option(
        "--resume/--no-resume",
        help="Skip what an earlier run did and redo what changed since. On by default as long as "
        "options and weights are the same; --resume redoes everything else in its place, "
        "--no-resume starts anew.",
        panel=RUN,
    ),
]
OnError = Annotated[
    str | None,
    _option(
        "--on-error",
        help="Pages that fail are taken over as they are (copy, the default), left out (skip), or "
        "end the run (stop).",
        panel=RUN,
        metavar="CHOICE",
    ),
]
MaxFailures = Annotated[
    int | None,
    _option(
        "--max-failures",
        help="End the run when more pages than this have failed.",
        panel=RUN,
        metavar="N",
    ),
]
ShardOf = Annotated[
    str | None,
    _option(
        "--shard",
        help="Do the I-th of N shares of the work, for several machines that share a folder, or "
        "Slurm arrays. Pages of folders and whole documents are shared out by their names.",
        panel=RUN,
        metavar="I/N",
    ),
]
Offline = Annotated[
    bool | None,
    _option("--offline", help="Never download anything.", panel=RUN),
]
Json = Annotated[
    bool,
    _option("--json", help="Print the result as JSON on standard output.", panel=RUN),
]
LogJson = Annotated[
    bool,
    _option(
        "--log-json",
        help="Tell all that happens as JSON on standard error, one object a line.",
        panel=RUN,
    ),
]
Quiet = Annotated[
    bool,
    _option("--quiet", "-q", help="Tell errors only.", panel=RUN),
]
Verbose = Annotated[
    bool,
    _option(
        "--verbose", "-v", help="Tell every region's decision, and show tracebacks.", panel=RUN
    ),
]


def options_from(values: Mapping[str, Any]) -> Options:
    """The options that a command was given.

    Args:
        values: The command's parameters by name; those that are no options are passed over.

    Raises:
        UsageError: Unknown names, or values out of range or in conflict.
    """
    known = {field.name for field in fields(Options)} - {"profile"}
    given = {name: value for name, value in values.items() if name in known}
    for name in ("only", "except_", "keep_language"):
        given[name] = _split(given.get(name))
    given["dilate"] = _pixels(given.get("dilate"))
    if (mask := given.get("mask")) is not None and _is_path(mask):
        given["drawn_mask"] = given.pop("mask")
    given["scrub"] = _scrub(given.get("scrub"), _split(values.get("scrub_items")))
    if given.get("regions") and given.get("detector") is None:
        given["detector"] = "regions"
    return make_options(values.get("profile") or "manga", **given)


def _split(values: list[str] | None) -> tuple[str, ...] | None:
    """``--only sfx,sign --only free`` and the like."""
    parts = [part.strip() for value in values or () for part in value.split(",")]
    return tuple(part for part in parts if part) or None


def _scrub(wanted: bool | None, items: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """``--scrub``, ``--no-scrub`` and ``--scrub-items`` as the list that they come to."""
    if items is None:
        return None if wanted is None else SCRUB_USUAL if wanted else ()
    if wanted is False:
        raise OptionsError(
            "--scrub-items says what is to be removed, and --no-scrub that nothing is",
            remedy="Give one of them",
        )
    if all(item[0] not in "+-" for item in items):
        return items
    if any(item[0] not in "+-" for item in items):
        raise OptionsError(
            f"--scrub-items {','.join(items)} mixes items with changes to the usual list",
            remedy="Give + or - to each item, or to none",
        )
    if unknown := [item for item in items if item[1:] not in SCRUB_ITEMS]:
        raise OptionsError(
            f"there is no item {unknown[0][1:]!r} to scrub",
            remedy=f"Known: {', '.join(SCRUB_ITEMS)}",
        )
    chosen = dict.fromkeys(SCRUB_USUAL)
    for item in items:
        if item[0] == "+":
            chosen[item[1:]] = None
        else:
            chosen.pop(item[1:], None)
    return tuple(chosen)


def _is_path(mask: str) -> bool:
    """Whether ``--mask`` names a picture or a folder rather than a style."""
    return mask not in get_args(MaskStyles) and (
        any(sign in mask for sign in "./\\") or Path(mask).exists()
    )


def _pixels(text: str | None) -> int | None:
    if text is None or text == "auto":
        return None
    if not text.isdecimal():
        raise OptionsError(f"dilate is {text!r}", remedy="Give a number of pixels, or auto")
    return int(text)
