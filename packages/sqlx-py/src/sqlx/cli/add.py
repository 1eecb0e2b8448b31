"""`sqlx migrate add`: new files, named and filled as SQLx's command 0.9 does."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from sqlx.cli.project import open_project
from sqlx.errors import SqlxError
from sqlx.migrations.files import read_directory
from sqlx.migrations.naming import (
    MigrationType,
    Versioning,
    choose_reversible,
    choose_version,
    new_files,
)

if TYPE_CHECKING:
    import argparse

    from sqlx.cli.output import Output
    from sqlx.config.settings import Settings

__all__ = ["add"]


def add(options: argparse.Namespace, output: Output) -> int:
    """Create the files of a new migration; none that is there is overwritten."""
    project = open_project(options, output)
    directory = project.directory
    _create_directory(directory)
    migrations = read_directory(directory).migrations
    reversible = choose_reversible(migrations, _kind(options, project.settings))
    versioning = _versioning(options, project.settings)
    version = choose_version(migrations, versioning, time.time())
    for file in new_files(version, options.description, reversible=reversible):
        path = os.path.join(directory, file.name)
        output.creating(path)
        _create_file(path, file.content)
    return 0


def _kind(options: argparse.Namespace, settings: Settings) -> MigrationType:
    if options.reversible:
        return MigrationType.REVERSIBLE
    if options.simple:
        return MigrationType.SIMPLE
    return MigrationType(settings.migration_type.value)


def _versioning(options: argparse.Namespace, settings: Settings) -> Versioning:
    if options.timestamp:
        return Versioning.TIMESTAMP
    if options.sequential:
        return Versioning.SEQUENTIAL
    return Versioning(settings.migration_versioning.value)


def _create_directory(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise SqlxError(f"Unable to create migrations directory: {reason}") from error


def _create_file(path: str, content: str) -> None:
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(content)
    except OSError as error:
        raise SqlxError(
            f"Failed to create migration file: {path}: {error.strerror}"
        ) from error
