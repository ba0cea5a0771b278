"""Text detection: names and lazy factories of the detectors."""
