"""``textclean compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclean.cli import parameters as p
from textclean.cli.console import Console, one_line, put, put_json

COMPARE_EXAMPLES = (
    "textclean compare chapter.cbz chapter.clean.cbz --mask masks/",
    "textclean compare scan.pdf scan.clean.pdf --regions scan.regions.json --json",
    "textclean compare in.tif out.tif --ignore encoding,tags",
)


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="IN", help="The document as it was.", show_default=False)
    ],
    after: Annotated[
        Path, typer.Argument(metavar="OUT", help="What was made of it.", show_default=False)
    ],
    regions: Annotated[
        Path | None,
        typer.Option(
            "--regions",
            metavar="FILE",
            help="Where it may have changed: what --regions-out wrote. Lettering may reach beyond "
            "the outlines; --mask is exact.",
            show_default=False,
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask",
            metavar="PATH",
            help="Where it may have changed: the picture or folder that --mask-out wrote.",
            show_default=False,
        ),
    ] = None,
    margin: Annotated[
        int, typer.Option("--margin", metavar="PX", help="Grow the regions by so many pixels.")
    ] = 0,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore",
            metavar="KINDS",
            help="Kinds of differences that do not count, such as annotations,metadata. Separate "
            "with commas.",
            show_default=False,
        ),
    ] = None,
    max_pixels: p.MaxPixels = None,
    pdf_dpi: p.PdfDpi = None,
    password: p.Password = None,
    json: p.Json = False,
    quiet: p.Quiet = False,
    verbose: p.Verbose = False,
) -> None:
    """Tell what differs between two documents, in and outside the regions.

    Pixels are compared as the files store them, exactly; so are sizes, modes, palettes, profiles,
    EXIF, resolution, text chunks, TIFF tags, the entries of archives, and the objects, text and
    annotations of PDFs. Exits with 0 when nothing outside the regions differs, with 6 when
    something does.
    """
    from textclean.compare import EXIT_DIFFERS, compare_documents
    from textclean.options import MAX_PIXELS

    result = compare_documents(
        before,
        after,
        regions=regions,
        masks=mask,
        margin=margin,
        ignore=[kind.strip() for text in ignore or () for kind in text.split(",") if kind.strip()],
        password=password,
        max_pixels=max_pixels or MAX_PIXELS,
        pdf_dpi=pdf_dpi or 300,
    )
    console = Console(quiet, verbose)
    if json:
        put_json(result.as_dict())
    elif not quiet:
        for line in result.summary():
            put(one_line(line))
    for difference in result.differences:
        expected = " (expected)" if difference.expected else ""
        console.detail(one_line(f"{difference.kind}: {difference}{expected}"))
    if not result.same_outside:
        raise typer.Exit(EXIT_DIFFERS)
