"""Prefect flows: thin. Schedules, retries, reports; every decision is in ncric_core."""
