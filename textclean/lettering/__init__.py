"""What a letterer wants to know of the text that was there, and room for the new one.

:func:`describe` measures how removed text was set, :func:`with_room` finds where in its bubble new
text is safe. :mod:`textclean.lettering.preview` sets given texts there.
"""

from __future__ import annotations

from textclean.lettering.describe import describe
from textclean.lettering.room import with_room

__all__ = ["describe", "with_room"]
