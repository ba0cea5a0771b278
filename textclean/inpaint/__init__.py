"""Inpainting: names and lazy factories of the inpainters."""
