"""The version of sqlx-py: its only source, for the build, the command and the library."""

__version__ = "0.1.0"
