"""The page "Agency names"."""
