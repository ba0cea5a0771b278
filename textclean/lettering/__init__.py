"""What a letterer wants to know of the text that was there, and room for the new one.

:func:`describe` measures how removed text was set and finds a safe ellipse in its bubble.
"""

from __future__ import annotations

from textclean.lettering.describe import describe

__all__ = ["describe"]
