"""Describing queries on PostgreSQL: what SQLx would say of them."""
