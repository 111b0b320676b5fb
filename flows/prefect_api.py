"""Moved to `ncric_core.prefect_api`, which the console uses too; here until deadman.py and status.py import that."""

from ncric_core.prefect_api import Item, PrefectApi, moment, prefect_api

__all__ = ["Item", "PrefectApi", "moment", "prefect_api"]
