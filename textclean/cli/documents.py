"""``textclean clean`` and ``textclean detect``."""

from __future__ import annotations

from typing import Annotated

import typer

from textclean.cli import parameters as p
from textclean.cli.console import Console

CLEAN_EXAMPLES = (
    "textclean clean page.png -o clean.png",
    "textclean clean chapter.cbz",
    "textclean clean scans/ -o cleaned/ --patch-out patches/ --regions-out regions.json",
    "textclean clean book.pdf --profile document --pages 1-4,7",
    "textclean clean chapter.cbr -o chapter.pdf --keep-cover",
    "textclean clean series/ -o cleaned/ --report report.html",
    "textclean clean 'series/**/*.cbz' -o cleaned/ --jobs 4 --memory 6G",
    "textclean clean *.jpg -o cleaned/ --except sfx --keep-language en",
    "textclean clean page.png -o clean.png --psd page.psd --ocr",
    "textclean clean page.webp -o page.png",
)
DETECT_EXAMPLES = (
    "textclean detect page.png",
    "textclean detect chapter.cbz -o found/ --ocr",
)


def clean(
    context: typer.Context,
    inputs: p.Inputs,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The cleaned document; a folder for several inputs. By default beside the input: "
            "page.clean.png, chapter-clean/. Its extension may ask for another format (.cbz, "
            ".cb7, .epub, .pdf, .tiff; of a picture also .png, .webp, .jpg, .bmp); a slash at its "
            "end makes a comic or PDF a folder of pages.",
            rich_help_panel=p.FILES,
            show_default=False,
        ),
    ] = None,
    profile: p.Profile = "manga",
    detector: p.Detector = None,
    detector_weights: p.DetectorWeights = None,
    recognizer_weights: p.RecognizerWeights = None,
    regions: p.Regions = None,
    only: p.Only = None,
    except_: p.Except = None,
    sfx: p.Sfx = None,
    ink: p.Ink = None,
    ink_weights: p.InkWeights = None,
    keep_language: p.KeepLanguage = None,
    keep_text: p.KeepText = None,
    min_score: p.MinScore = None,
    ocr: p.Ocr = None,
    reading_order: p.ReadingOrder = None,
    pages: p.Pages = None,
    keep_cover: p.KeepCover = None,
    inpainter: p.Inpainter = None,
    mask: p.MaskStyle = None,
    dilate: p.Dilate = None,
    verify: p.Verify = None,
    strict: p.Strict = None,
    to: p.To = None,
    overwrite: p.Overwrite = False,
    max_pixels: p.MaxPixels = None,
    promote: p.Promote = None,
    allow_lossy: p.AllowLossy = None,
    pdf_renderer: p.PdfRenderer = None,
    pdf_dpi: p.PdfDpi = None,
    password: p.Password = None,
    scrub: p.Scrub = None,
    scrub_items: p.ScrubItems = None,
    allow_signed: p.AllowSigned = None,
    allow_xfa: p.AllowXfa = None,
    mask_out: p.MaskOut = None,
    patch_out: p.PatchOut = None,
    psd: p.Psd = None,
    psd_per_region: p.PsdPerRegion = False,
    psb: p.Psb = False,
    ora: p.Ora = None,
    split: p.Split = None,
    regions_out: p.RegionsOut = None,
    regions_format: p.RegionsFormat = "textclean",
    report: p.Report = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only print the plan: inputs, outputs, pages, and about how long it will take.",
            rich_help_panel=p.RUN,
        ),
    ] = False,
    resume: p.Resume = None,
    on_error: p.OnError = None,
    max_failures: p.MaxFailures = None,
    jobs: p.Jobs = None,
    engine: p.Engine = "processes",
    memory: p.Memory = None,
    shard: p.ShardOf = None,
    device: p.Devices = None,
    offline: p.Offline = None,
    json: p.Json = False,
    log_json: p.LogJson = False,
    quiet: p.Quiet = False,
    verbose: p.Verbose = False,
) -> None:
    """Remove the text from pages; everything else stays as it is.

    The output has the format of the input, unless its name or --to asks for another; RAR, 7z and
    tar archives come back as CBZ. Every file appears whole, or not at all; the input is never
    overwritten. A page that fails is taken over as it is and does not stop the others. What is
    finished when a run ends before its time is kept: the same command goes on from there.
    """
    import sys

    from textclean.batch import Shard, expand, parse_bytes
    from textclean.batch.layered import LayerWishes
    from textclean.cli.batches import BatchRun
    from textclean.cli.outputs import common_folder, plan_clean

    devices = tuple(name.strip() for name in (device or "").split(",") if name.strip())
    options = p.options_from({**context.params, "device": devices[0] if devices else None})
    console = Console(quiet, verbose, log_json)
    run = BatchRun(
        options, console, pages=pages, overwrite=overwrite, report=report, password=password
    )
    found = expand(inputs, sys.stdin.buffer)
    plans = plan_clean(
        found, output, to=to, mask=mask_out, patch=patch_out, regions=regions_out,
        psd=psd, ora=ora, layers=LayerWishes(psd_per_region, psb, split),
        regions_format=regions_format,
    )  # fmt: skip
    batch = run.batch(
        plans,
        folder=common_folder(found, output),
        shard=Shard.parse(shard) if shard else Shard(),
        resume=resume,
        on_error=on_error,
        max_failures=max_failures,
        workers=jobs,
        engine=engine,
        devices=devices if len(devices) > 1 else (),
        memory=parse_bytes(memory) if memory else None,
    )
    if dry_run:
        run.tell_plan(batch, as_json=json)
        return
    run.clean(batch)
    run.end(as_json=json)


def detect(
    context: typer.Context,
    inputs: p.Inputs,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for the regions and pictures; by default beside the input.",
            rich_help_panel=p.FILES,
            show_default=False,
        ),
    ] = None,
    profile: p.Profile = "manga",
    detector: p.Detector = None,
    detector_weights: p.DetectorWeights = None,
    recognizer_weights: p.RecognizerWeights = None,
    regions: p.Regions = None,
    only: p.Only = None,
    except_: p.Except = None,
    sfx: p.Sfx = None,
    ink: p.Ink = None,
    ink_weights: p.InkWeights = None,
    keep_language: p.KeepLanguage = None,
    keep_text: p.KeepText = None,
    min_score: p.MinScore = None,
    ocr: p.Ocr = None,
    reading_order: p.ReadingOrder = None,
    pages: p.Pages = None,
    mask: p.MaskStyle = None,
    dilate: p.Dilate = None,
    overwrite: p.Overwrite = False,
    max_pixels: p.MaxPixels = None,
    pdf_renderer: p.PdfRenderer = None,
    pdf_dpi: p.PdfDpi = None,
    password: p.Password = None,
    allow_signed: p.AllowSigned = None,
    allow_xfa: p.AllowXfa = None,
    mask_out: p.MaskOut = None,
    regions_out: p.RegionsOut = None,
    regions_format: p.RegionsFormat = "textclean",
    report: p.Report = None,
    device: p.Device = None,
    offline: p.Offline = None,
    json: p.Json = False,
    log_json: p.LogJson = False,
    quiet: p.Quiet = False,
    verbose: p.Verbose = False,
) -> None:
    """Find text and tell what would be removed; no page is changed.

    Writes a regions file, which `clean --regions` takes back after you edited it, and a picture of
    each page: green is filled, magenta inpainted, grey kept.
    """
    from textclean.api import make_finder
    from textclean.cli.outputs import plan_detect
    from textclean.cli.runs import Run

    options = p.options_from(context.params)
    console = Console(quiet, verbose, log_json)
    run = Run(options, console, pages=pages, overwrite=overwrite, report=report, password=password)
    plans = plan_detect(
        inputs, output, mask=mask_out, regions=regions_out, regions_format=regions_format
    )
    run.all(plans, lambda: make_finder(options).detect)
    run.end(as_json=json)
