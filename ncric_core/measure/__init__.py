"""Measuring: the demo against its truth, and the bench against the limits of this machine."""
