"""The SQL of the service: checked queries, and nothing else."""
