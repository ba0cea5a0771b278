"""Metrics and the suites that run on ground truth."""
