"""Counting what is answered, and the limits of the tiers."""
