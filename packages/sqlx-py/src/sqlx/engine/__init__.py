"""The engine decides every statement of a run, a revert or an info; it does no I/O."""
