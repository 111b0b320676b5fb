"""The model (edm.yaml) and the flight language: checks, and compilation to polars. Knows no database."""
