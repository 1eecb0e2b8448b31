"""The settings of the service: the environment in, one frozen value out."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EMBEDDED", "Settings", "SettingsError", "read_settings", "version"]

EMBEDDED = "embedded:.postgres"
LOG_FORMATS = ("text", "json")
LAST_PORT = 65535


class SettingsError(Exception):
    """An environment variable cannot be used; the message names it and the mend."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator may choose; `read_settings` says by which variables.

    Args:
        database_url: Of the schema's owner, to migrate. Never shown: it may hold a
            password.
        runtime_database_url: Of the role that serves; empty to serve with the owner's.
        host: The address to listen on.
        port: The port; 0 takes a free one, and the log names it.
        log_format: `text` or `json`.
        migrations: The directory with the migrations.
        database_wait_seconds: How long a database that is not there yet is waited for.
        embedder: The name of the embedding model, see `smally.embedding`.
    """

    database_url: str = field(default=EMBEDDED, repr=False)
    runtime_database_url: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    log_format: str = "text"
    migrations: str = "migrations"
    database_wait_seconds: float = 60
    embedder: str = "hashed"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings, once; an empty variable counts as absent.

    What the environment leaves out is taken from systemd's credentials: files of these
    names in $CREDENTIALS_DIRECTORY.

    Raises:
        SettingsError: A value cannot be used.
    """

    def given(name: str, default: str) -> str:
        return environ.get(name) or _credential(environ, name) or default

    return Settings(
        database_url=given("DATABASE_URL", EMBEDDED),
        runtime_database_url=given("RUNTIME_DATABASE_URL", ""),
        host=given("SMALLY_HOST", "127.0.0.1"),
        port=_port(given("SMALLY_PORT", "8000")),
        log_format=_log_format(given("LOG_FORMAT", "text")),
        migrations=given("SMALLY_MIGRATIONS", "migrations"),
        database_wait_seconds=_seconds(given("SMALLY_DATABASE_WAIT_SECONDS", "60")),
        embedder=given("SMALLY_EMBEDDER", "hashed"),
    )


def version() -> str:
    """Give the version of what is installed."""
    return metadata.version("smally")


def _credential(environ: Mapping[str, str], name: str) -> str:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return ""
    try:
        return Path(folder, name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise SettingsError(f"{name}: cannot read the credential: {reason}") from error


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= LAST_PORT:
        return int(text)
    raise SettingsError(f"SMALLY_PORT is {text!r}: give a number from 0 to {LAST_PORT}")


def _log_format(text: str) -> str:
    if text in LOG_FORMATS:
        return text
    raise SettingsError(f"LOG_FORMAT is {text!r}: give {' or '.join(LOG_FORMATS)}")


def _seconds(text: str) -> float:
    if text.isascii() and text.isdigit():
        return float(text)
    raise SettingsError(
        f"SMALLY_DATABASE_WAIT_SECONDS is {text!r}: give a whole number of seconds"
    )
