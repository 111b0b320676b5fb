"""Feeds with known truth, for the demo, the bench and the tests."""
