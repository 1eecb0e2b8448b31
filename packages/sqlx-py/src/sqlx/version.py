"""The version of sqlx-py and smally: its only source."""

__version__ = "0.1.0"
