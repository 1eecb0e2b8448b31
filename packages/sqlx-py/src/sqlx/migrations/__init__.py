"""Migration files: their names, their text and what stands in it."""
