"""The jobs by name, their state, how they are launched, and the Prefect API."""
