"""Open a PDF as it is, and refuse what must not be changed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.errors import CorruptInputError, ProtectedInputError, UnsupportedFormatError
from textclean.io.images import cannot_read
from textclean.io.pdf_objects import items
from textclean.io.pdf_page import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_DEPTH: Final = 32
_REPAIR: Final = (
    "Get the file again, or repair it first (qpdf in.pdf out.pdf) and look whether all pages are "
    "there"
)


def open_pdf(path: Path, password: str | None) -> pikepdf.Pdf:
    """Open a PDF without repairing it: a repair may lose pages without a word.

    Raises:
        CorruptInputError: Damaged or truncated.
        FileAccessError: It cannot be read.
        ProtectedInputError: Encrypted, and no or a wrong password given.
    """
    try:
        pdf = pikepdf.open(
            path, password=password or "", attempt_recovery=False, inherit_page_attributes=False
        )
    except pikepdf.PasswordError:
        said = "the password does not open it" if password else "it needs a password"
        raise ProtectedInputError(
            f"the PDF is encrypted and {said}",
            remedy="Give its password with --password",
            source=str(path),
        ) from None
    except pikepdf.PdfError as error:
        reason = " ".join(str(error).replace(f"{path}: ", "").split())
        raise CorruptInputError(
            f"the PDF is damaged or cut off ({reason})", remedy=_REPAIR, source=str(path)
        ) from None
    except OSError as error:
        raise cannot_read(path, error) from None
    if pdf.is_encrypted and not _may_change(pdf):
        pdf.close()
        raise ProtectedInputError(
            "the PDF is encrypted and does not allow changes",
            remedy="Give the password that allows them (the owner's) with --password",
            source=str(path),
        )
    return pdf


@contextmanager
def pdf_errors() -> Iterator[None]:
    """Turn what QPDF says about a damaged file into our error.

    Raises:
        CorruptInputError: The file is damaged.
    """
    try:
        yield
    except (pikepdf.PdfError, RuntimeError) as error:
        # QPDF says some things in RuntimeError or a descendant of it.
        reason = " ".join(str(error).split())
        raise CorruptInputError(f"the PDF is damaged ({reason})", remedy=_REPAIR) from None


def _may_change(pdf: pikepdf.Pdf) -> bool:
    return pdf.owner_password_matched or pdf.allow.modify_other


def refuse_unhandled(pdf: pikepdf.Pdf, *, signed: bool, xfa: bool) -> None:
    """Refuse a PDF that may not be changed, or has nothing to be changed.

    Args:
        pdf: The file.
        signed: Whether a signed one is accepted.
        xfa: Whether an XFA form is accepted.

    Raises:
        CorruptInputError: Pages are missing.
        ProtectedInputError: Signed.
        UnsupportedFormatError: No pages, or an XFA form.
    """
    count = len(pdf.pages)
    if not count:
        raise UnsupportedFormatError("the PDF has no pages")
    if pdf.Root.Pages.get("/Count", count) != count:
        raise CorruptInputError(
            f"the PDF declares {pdf.Root.Pages.Count} pages and {count} can be read", remedy=_REPAIR
        )
    if not signed and ("/Perms" in pdf.Root or any(_signed_fields(pdf))):
        raise ProtectedInputError(
            "the PDF is signed, and any change breaks the signature",
            remedy="With --allow-signed its signatures are removed",
        )
    if not xfa and "/XFA" in _form(pdf):
        raise UnsupportedFormatError(
            "the PDF is an XFA form: its pages may be made by a program when it is shown",
            remedy="With --allow-xfa that program is removed, and the pages stored in the file are "
            "cleaned",
        )


def lift_protection(pdf: pikepdf.Pdf) -> list[str]:
    """Remove signatures and XFA programs, which would contradict changed pages.

    Returns:
        One line on each kind that was there.
    """
    told = []
    fields = list(_signed_fields(pdf))
    if fields or "/Perms" in pdf.Root:
        for field in fields:
            del field["/V"]
        if "/Perms" in pdf.Root:
            del pdf.Root["/Perms"]
        if "/SigFlags" in _form(pdf):
            pdf.Root.AcroForm.SigFlags = 0
        told.append(f"PDF: {max(1, len(fields))} of its signatures were removed")
    if "/XFA" in _form(pdf):
        del pdf.Root.AcroForm["/XFA"]
        told.append("PDF: the XFA program was removed; the form's ordinary fields stay")
    return told


def _form(pdf: pikepdf.Pdf) -> Any:
    return mapping(pdf.Root.get("/AcroForm"))


def _signed_fields(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Signature fields that are signed."""
    waiting = [(field, "", 0) for field in items(_form(pdf).get("/Fields"))]
    while waiting:
        field, kind, depth = waiting.pop()
        if not isinstance(field, pikepdf.Dictionary) or depth > _MAX_DEPTH:
            continue
        kind = str(field.get("/FT", kind))
        if kind == "/Sig" and "/V" in field:
            yield field
        waiting += [(kid, kind, depth + 1) for kid in items(field.get("/Kids"))]
