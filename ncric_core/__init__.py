"""The pipeline as a plain library: knows no orchestrator and no web page."""
