"""Open a PDF as it is, and refuse what must not be changed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.errors import CorruptInputError, ProtectedInputError, UnsupportedFormatError
from textclean.io.images import cannot_read

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
            f"the PDF is encrypted and {said}", remedy="Give its password", source=str(path)
        ) from None
    except pikepdf.PdfError as error:
        reason = " ".join(str(error).replace(f"{path}: ", "").split())
        raise CorruptInputError(
            f"the PDF is damaged or cut off ({reason})", remedy=_REPAIR, source=str(path)
        ) from None
    except OSError as error:
        raise cannot_read(path, error) from None
    if pdf.is_encrypted and (password is None or not _may_change(pdf)):
        pdf.close()
        raise ProtectedInputError(
            "the PDF is encrypted and does not allow changes",
            remedy="Give the password that allows them (the owner's)",
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


def refuse_unhandled(pdf: pikepdf.Pdf) -> None:
    """Refuse a PDF that may not be changed, or has nothing to be changed.

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
    form = pdf.Root.get("/AcroForm")
    fields = form.get("/Fields") if isinstance(form, pikepdf.Dictionary) else None
    if "/Perms" in pdf.Root or (fields is not None and _has_signature(fields, 0)):
        raise ProtectedInputError(
            "the PDF is signed, and any change breaks the signature",
            remedy="Print it to a new PDF, or ask for an unsigned copy",
        )
    if isinstance(form, pikepdf.Dictionary) and "/XFA" in form:
        raise UnsupportedFormatError(
            "the PDF is an XFA form: its pages are made by a program when it is shown",
            remedy="Print it to a new PDF",
        )


def _has_signature(fields: Any, depth: int) -> bool:
    if depth > _MAX_DEPTH or not isinstance(fields, pikepdf.Array):
        return False
    return any(
        (str(field.get("/FT")) == "/Sig" and "/V" in field)
        or _has_signature(field.get("/Kids"), depth + 1)
        for field in fields
        if isinstance(field, pikepdf.Dictionary)
    )
