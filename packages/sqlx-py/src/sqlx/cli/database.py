"""`sqlx database create|drop|reset|setup`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sqlx.cli.migrate import apply_pending
from sqlx.cli.project import open_project
from sqlx.config.url import parse_url
from sqlx.database import create_database, drop_database
from sqlx.errors import SqlxError

if TYPE_CHECKING:
    import argparse

    from sqlx.cli.output import Output
    from sqlx.cli.project import Project

__all__ = ["create", "drop", "reset", "setup"]


def create(options: argparse.Namespace, output: Output) -> int:
    """Make the database unless it exists."""
    project = open_project(options, output)
    _create(project, project.url())
    return 0


def drop(options: argparse.Namespace, output: Output) -> int:
    """Drop the database if it exists and a person says so."""
    project = open_project(options, output)
    _drop(project, project.url())
    return 0


def setup(options: argparse.Namespace, output: Output) -> int:
    """Make the database unless it exists, and apply what is pending."""
    project = open_project(options, output)
    _set_up(project, project.url())
    return 0


def reset(options: argparse.Namespace, output: Output) -> int:
    """Drop the database, make it anew, and apply all; after a "no", do nothing at all.

    SQLx sets the database up after a "no" as well, which no one who says no can want.
    """
    project = open_project(options, output)
    url = project.url()
    if _drop(project, url):
        _set_up(project, url)
    return 0


def _set_up(project: Project, url: str) -> None:
    _create(project, url)
    apply_pending(project, url)


def _create(project: Project, url: str) -> None:
    create_database(
        url,
        wal=project.options.sqlite_create_db_wal == "true",
        connect_timeout_seconds=project.options.connect_timeout,
    )


def _drop(project: Project, url: str) -> bool:
    options = project.options
    if not options.yes and not _confirmed(url, project.output):
        return False
    drop_database(
        url,
        force=options.force,
        connect_timeout_seconds=options.connect_timeout,
    )
    return True


def _confirmed(url: str, output: Output) -> bool:
    """Ask a person; the URL is shown without its password.

    Raises:
        SqlxError: There is no terminal to ask on.
    """
    shown = parse_url(url, os.environ).redacted
    if not (sys.stdin.isatty() and output.stderr.isatty()):
        raise SqlxError(
            f"the database at {shown} is dropped only when a person says so, and there "
            "is no terminal to ask on; pass -y to say so here"
        )
    output.ask(shown)
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    output.note("nothing was dropped")
    return False
