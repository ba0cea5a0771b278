"""From polygons to the pixels that are removed; pure NumPy and OpenCV."""
