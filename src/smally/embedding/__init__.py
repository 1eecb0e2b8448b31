"""Texts in, vectors out: the model behind one protocol, its cache and its thread."""
