"""Where a project begins: its queries' files and its cache are named from there."""

from __future__ import annotations

import os

__all__ = ["PROJECT", "project_of"]

PROJECT = "pyproject.toml"


def project_of(file: str, root: str) -> str:
    """Find the project of a source file: where the nearest `pyproject.toml` above lies.

    Args:
        file: The source file, absolute.
        root: The directory to take when there is none.

    Source:
        SQLx names files from the package's `Cargo.toml` (queries.md 5).
    """
    directory = os.path.dirname(file)
    while not os.path.isfile(os.path.join(directory, PROJECT)):
        above = os.path.dirname(directory)
        if above == directory:
            return root
        directory = above
    return directory
