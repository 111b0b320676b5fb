"""The jobs: by name, their state, launching them, and the Prefect API."""
