"""Describing queries on SQLite: what SQLx would say of them."""
