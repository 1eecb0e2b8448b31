"""Calling PyMySQL and asyncmy for checked queries."""
