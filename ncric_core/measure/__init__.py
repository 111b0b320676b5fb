"""Measures the pipeline: the demo compares it with the truth, the bench with the limits of this machine."""
