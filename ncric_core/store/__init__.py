"""PostgreSQL, and nothing else."""
