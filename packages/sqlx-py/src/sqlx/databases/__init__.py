"""The databases: for each a dialect (SQL text and facts) and a driver (I/O)."""
