"""The files of SQL that queries name, found and read when a query is first called."""

from __future__ import annotations

import os
from functools import cache

from sqlx.queries.projects import project_of

__all__ = ["read_query_file"]

_INSTALLED = {"site-packages", "dist-packages"}


@cache
def read_query_file(path: str, source: str) -> str:
    """Read a file of SQL, as it is.

    It is looked for below the project, which is where the nearest `pyproject.toml`
    above the source file lies, and then beside the outermost package that the source
    file is in: a package that is installed has its files there, and no project.

    Args:
        path: The file, as the query names it.
        source: The source file that has the query.

    Raises:
        FileNotFoundError: It is in neither place.
    """
    places = [os.path.join(folder, path) for folder in _folders(source)]
    for place in places:
        if os.path.isfile(place):
            with open(place, "rb") as file:
                return file.read().decode()
    tried = " and ".join(dict.fromkeys(places))
    raise FileNotFoundError(f"failed to read query file: there is no {tried}")


def _folders(source: str) -> list[str]:
    directory = os.path.dirname(os.path.abspath(source))
    package = directory
    while os.path.isfile(os.path.join(package, "__init__.py")):
        package = os.path.dirname(package)
    if _INSTALLED & set(directory.split(os.sep)):
        # A pyproject.toml above an installed package is somebody else's.
        return [package]
    return [project_of(os.path.abspath(source), package), package]
