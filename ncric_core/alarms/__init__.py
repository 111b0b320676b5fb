"""Alarms: what is usual, what is far below it, and telling people."""
