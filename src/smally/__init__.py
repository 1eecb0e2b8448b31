"""smally: a small text-embedding API that migrates its own database at start."""
