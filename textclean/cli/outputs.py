"""Where each input's output goes; names only, nothing is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.batch import Input, SidecarPaths, resolve_output
from textclean.batch.layered import LayerWishes
from textclean.errors import OptionsError
from textclean.io import checked_format as checked
from textclean.io import default_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib"})


@dataclass(frozen=True, slots=True)
class Plan:
    """One input and the names of what is made of it; None = not asked for.

    Attributes:
        source: The input.
        output: The cleaned document.
        to: Its format; None = by its name.
        mask: Masks; a file or a folder.
        patch: Patches; a file or a folder.
        overlay: Pictures of the regions; a file or a folder.
        regions: Regions file, or the folder for it.
        psd: PSDs; a file or a folder.
        ora: OpenRaster files; a file or a folder.
        layers: How those two are made.
        regions_format: What the regions are written as.
    """

    source: Path
    output: Path | None = None
    mask: Path | None = None
    patch: Path | None = None
    overlay: Path | None = None
    regions: Path | None = None
    to: str | None = None
    psd: Path | None = None
    ora: Path | None = None
    layers: LayerWishes = field(default_factory=LayerWishes)
    regions_format: str = "textclean"

    def sidecars(self) -> SidecarPaths:
        """What is written beside the document."""
        return SidecarPaths(
            mask=self.mask, patch=self.patch, overlay=self.overlay, regions=self.regions,
            psd=self.psd, ora=self.ora, layers=self.layers, regions_format=self.regions_format,
        )  # fmt: skip


def plan_clean(
    inputs: Sequence[Path | Input],
    output: str | None,
    *,
    to: str | None = None,
    mask: Path | None = None,
    patch: Path | None = None,
    regions: Path | None = None,
    psd: Path | None = None,
    ora: Path | None = None,
    layers: LayerWishes | None = None,
    regions_format: str = "textclean",
) -> list[Plan]:
    """Names for ``textclean clean``.

    Without an output, each lands beside its input: ``page.clean.png``, ``chapter-clean/``. With
    one input, the output is that file or folder; with several, a folder for all of them. Documents
    that were found in a folder keep their place in it. ``to`` is the format to convert to, or None.

    Raises:
        OptionsError: Two outputs would have the same name, or a file is named for several.
    """
    found = [each if isinstance(each, Input) else Input(each) for each in inputs]
    sources = [each.path for each in found]
    _refuse_same_names(sources, sidecars=any((mask, patch, regions, psd, ora)))
    several = len(found) > 1
    if several:
        _require_folders(output=output, mask=mask, patch=patch, regions=regions, psd=psd, ora=ora)
    roots = {each.root or each.path for each in found}
    targets = [
        _output(each.path, output, to, several=several)
        if each.below is None or each.root is None
        else (_below(each.root, each.below, output, to, alone=len(roots) == 1), to)
        for each in found
    ]
    plans = [
        Plan(
            source,
            target,
            mask=_group(mask, source, several=several),
            patch=_group(patch, source, several=several),
            regions=regions,
            to=chosen,
            psd=_group(psd, source, several=several),
            ora=_group(ora, source, several=several),
            layers=layers or LayerWishes(),
            regions_format=regions_format,
        )
        for source, (target, chosen) in zip(sources, targets, strict=True)
    ]
    _refuse_same_outputs(plans)
    return plans


def plan_detect(
    inputs: Sequence[Path],
    folder: str | None,
    *,
    mask: Path | None = None,
    regions: Path | None = None,
    regions_format: str = "textclean",
) -> list[Plan]:
    """Names for ``textclean detect``: a regions file and a picture for each input.

    Args:
        inputs: The inputs.
        folder: Where they go; None = beside each input.
        mask: Where masks go, too.
        regions: Where the regions go instead.
        regions_format: What they are written as.

    Raises:
        OptionsError: Two outputs would have the same name, or a file is named for several.
    """
    several = len(inputs) > 1
    if several:
        _require_folders(output=folder, mask=mask, regions=regions)
    if folder is not None or mask or regions:
        _refuse_same_names(inputs, sidecars=True)
    plans = []
    for source in inputs:
        place = Path(folder) if folder is not None else _beside(source)
        overlay = place / f"{stem_of(source)}.overlay"
        plans.append(
            Plan(
                source,
                mask=_group(mask, source, several=several),
                overlay=overlay.with_name(f"{overlay.name}.png")
                if _is_picture(source)
                else overlay,
                regions=regions or place,
                regions_format=regions_format,
            )
        )
    return plans


def default_output(source: Path, to: str | None = None) -> Path:
    """``page.png`` -> ``page.clean.png``, a folder ``chapter`` -> ``chapter-clean``.

    Args:
        source: The input.
        to: The format to convert to, or None.
    """
    suffix = default_suffix(source, to)
    if (to is not None and not suffix) or (source.is_dir() and to is None):
        return _beside(source) / f"{stem_of(source)}-clean"
    return _beside(source) / f"{stem_of(source)}.clean{suffix}"


def stem_of(source: Path) -> str:
    """The name without the extension; of a folder the whole name, also of ``.``."""
    return source.resolve().name if source.is_dir() else source.stem


def _output(
    source: Path, output: str | None, to: str | None, *, several: bool
) -> tuple[Path, str | None]:
    """The output's name and the format to convert to."""
    if to is not None:
        checked(to)
    if output is None:
        return default_output(source, to), to
    if several:
        suffix = "" if source.is_dir() and to is None else default_suffix(source, to)
        return Path(output) / f"{stem_of(source)}{suffix}", to
    return resolve_output(source, output, to)


def common_folder(inputs: Sequence[Input], output: str | None) -> Path | None:
    """The folder that the outputs of several inputs share; None when they lie beside the inputs."""
    roots = {each.root for each in inputs}
    if len(inputs) > 1 and output is not None:
        return Path(output)
    root = roots.pop() if len(roots) == 1 else None
    return default_output(root) if root is not None and output is None else None


def _below(root: Path, below: Path, output: str | None, to: str | None, *, alone: bool) -> Path:
    """The output of a document that was found in the folder ``root``."""
    folder = default_output(root) if output is None else Path(output)
    if output is not None and not alone:
        folder /= stem_of(root)
    if below == Path():
        return folder
    return folder / below.with_name(f"{below.stem}{default_suffix(below, to)}")


def _beside(source: Path) -> Path:
    """The folder that the input lies in."""
    return source.resolve().parent if source.is_dir() else source.parent


def _group(base: Path | None, source: Path, *, several: bool) -> Path | None:
    """Pages of several documents go to a folder each; pictures lie side by side."""
    if base is None or not several or _is_picture(source):
        return base
    return base / stem_of(source)


def _is_picture(source: Path) -> bool:
    return not source.is_dir() and source.suffix.lower() in _PICTURES


def _require_folders(
    *,
    output: str | None,
    mask: Path | None,
    regions: Path | None,
    patch: Path | None = None,
    psd: Path | None = None,
    ora: Path | None = None,
) -> None:
    """With several inputs, what is named for all of them must be a folder."""
    for name, path, suffixes in (
        ("--mask-out", mask, (".png",)),
        ("--patch-out", patch, (".png",)),
        ("--regions-out", regions, (".json",)),
        ("--psd", psd, (".psd", ".psb")),
        ("--ora", ora, (".ora",)),
    ):
        if path is not None and path.suffix.lower() in suffixes:
            raise OptionsError(
                f"{name} {path} names one file and there are several inputs",
                remedy="Name a folder",
            )
    if output is not None and Path(output).exists() and not Path(output).is_dir():
        raise OptionsError(
            f"{output} is a file and there are several inputs", remedy="Name a folder"
        )


def _refuse_same_names(inputs: Sequence[Path], *, sidecars: bool) -> None:
    """Files beside two inputs of one stem would replace each other."""
    if sidecars:
        _refuse_twice(inputs, stem_of, "the files written beside them")


def _refuse_same_outputs(plans: Sequence[Plan]) -> None:
    _refuse_twice(
        [plan.output for plan in plans if plan.output], lambda p: str(p.resolve()), "their outputs"
    )


def _refuse_twice(paths: Sequence[Path], key: Callable[[Path], str], what: str) -> None:
    seen: dict[str, Path] = {}
    for path in paths:
        first = seen.setdefault(key(path), path)
        if first is not path:
            raise OptionsError(
                f"{what} would have the same name for {first} and {path}",
                remedy="Clean them one after the other, into different folders",
            )
