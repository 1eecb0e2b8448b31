"""What every command that reads configuration begins with: `.env` and `sqlx.toml`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.config.dotenv import load_dotenv
from sqlx.config.settings import Settings, database_url, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from sqlx.cli.output import Output
    from sqlx.engine.news import News
    from sqlx.migrator import Migrator

__all__ = ["Project", "open_project"]


@dataclass(frozen=True, slots=True)
class Project:
    """The options of a command, and what the project's files say.

    Args:
        options: The words of the command.
        settings: What `sqlx.toml` says.
        output: Where notes go.
    """

    options: argparse.Namespace
    settings: Settings
    output: Output

    @property
    def directory(self) -> str:
        """Where the migrations are: `--source`, else as `sqlx.toml` says."""
        source: str | None = self.options.source
        return self.settings.migrations_dir if source is None else source

    def url(self) -> str:
        """Choose the database: `--database-url`, else a variable of the environment.

        Raises:
            ConfigurationError: There is neither.
        """
        return database_url(
            self.options.database_url, self.settings, os.environ, self.output.note
        )

    def migrator(self, on_event: Callable[[News], None]) -> Migrator:
        """Make the library's migrator, as the options and `sqlx.toml` say."""
        from sqlx.migrator import Migrator  # `add` needs no engine.

        return Migrator(
            self.directory,
            table_name=self.settings.table_name,
            create_schemas=self.settings.create_schemas,
            ignored_chars=self.settings.ignored_chars,
            ignore_missing=getattr(self.options, "ignore_missing", False),
            lock_timeout_seconds=getattr(self.options, "lock_timeout", None),
            connect_timeout_seconds=self.options.connect_timeout,
            on_event=on_event,
        )


def open_project(options: argparse.Namespace, output: Output) -> Project:
    """Read `.env` into the environment, and `sqlx.toml`.

    Raises:
        ConfigurationError: `sqlx.toml` cannot be used.
    """
    if not options.no_dotenv:
        found = load_dotenv(os.getcwd(), os.environ)
        os.environ.update(found.values)
        if found.error is not None:
            output.note(f"Warning: {found.error}")
    return Project(options, load_settings(options.config, output.note), output)
