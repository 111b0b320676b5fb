"""The store: everything about PostgreSQL, and nothing else."""
