"""Comparing annotations with what a database says, and what to write instead."""
