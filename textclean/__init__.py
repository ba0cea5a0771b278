"""Remove text from manga, comic and document pages."""

__version__ = "0.1.0"
