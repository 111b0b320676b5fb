"""The page "Reads"."""
