"""The feeds: what arrives → batches of clean reads. Knows no database."""
