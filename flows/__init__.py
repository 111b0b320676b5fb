"""Prefect flows: schedules, retries and reports. They are thin: every decision is in ncric_core."""
