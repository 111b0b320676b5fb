"""The pipeline: a window → reads in the store. Read `integrate` first."""
