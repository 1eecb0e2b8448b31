"""What a checked query is at run time: a function compiled at its first call."""
