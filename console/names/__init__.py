"""The page of agency names."""
