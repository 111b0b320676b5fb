"""Prefect flows: thin; every decision is in ncric_core."""
