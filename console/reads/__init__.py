"""The page of reads."""
