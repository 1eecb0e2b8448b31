"""The settings: what the environment may say, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smally.config import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_an_empty_environment_gives_the_defaults() -> None:
    """Without variables, smally is on the loopback, on the embedded PostgreSQL."""
    assert read_settings({}) == Settings(
        database_url="embedded:.postgres",
        runtime_database_url="",
        host="127.0.0.1",
        port=8000,
        log_format="text",
        migrations="migrations",
        database_wait_seconds=60,
        embedder="hashed",
    )


def test_every_variable_is_read() -> None:
    """Each setting has its variable."""
    environ = {
        "DATABASE_URL": "postgresql:///owner",
        "RUNTIME_DATABASE_URL": "postgresql:///app",
        "SMALLY_HOST": "::1",
        "SMALLY_PORT": "0",
        "LOG_FORMAT": "json",
        "SMALLY_MIGRATIONS": "sql",
        "SMALLY_DATABASE_WAIT_SECONDS": "5",
        "SMALLY_EMBEDDER": "mine",
    }
    assert read_settings(environ) == Settings(
        "postgresql:///owner", "postgresql:///app", "::1", 0, "json", "sql", 5, "mine"
    )


def test_an_empty_variable_counts_as_absent() -> None:
    """A unit file that sets a variable to nothing does not break the start."""
    names = ("DATABASE_URL", "SMALLY_PORT", "LOG_FORMAT", "SMALLY_MIGRATIONS")
    assert read_settings(dict.fromkeys(names, "")) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SMALLY_PORT", "80a", "SMALLY_PORT is '80a': give a number from 0 to 65535"),
        ("SMALLY_PORT", "-1", "SMALLY_PORT is '-1': give a number from 0 to 65535"),
        (
            "SMALLY_PORT",
            "65536",
            "SMALLY_PORT is '65536': give a number from 0 to 65535",
        ),
        ("SMALLY_PORT", "٣", "SMALLY_PORT is '٣': give a number from 0 to 65535"),
        ("LOG_FORMAT", "yaml", "LOG_FORMAT is 'yaml': give text or json"),
        (
            "SMALLY_DATABASE_WAIT_SECONDS",
            "1m",
            "SMALLY_DATABASE_WAIT_SECONDS is '1m': give a whole number of seconds",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_mend(
    name: str, value: str, message: str
) -> None:
    """The message has the variable, the value, and what would be right."""
    with pytest.raises(SettingsError) as refused:
        read_settings({name: value})
    assert str(refused.value) == message


def test_a_printed_setting_shows_no_password() -> None:
    """Both URLs are left out of the value's repr."""
    settings = Settings("postgresql://u:hunter2@h/d", "postgresql://a:hunter3@h/d")
    assert "hunter" not in repr(settings)


def test_a_credential_stands_below_the_environment(tmp_path: Path) -> None:
    """LoadCredential of systemd gives a file; a variable of the name comes first."""
    (tmp_path / "DATABASE_URL").write_text("postgresql:///credential\n")
    (tmp_path / "RUNTIME_DATABASE_URL").write_text("postgresql:///too\n")
    settings = read_settings(
        {"CREDENTIALS_DIRECTORY": str(tmp_path), "DATABASE_URL": "postgresql:///typed"}
    )
    assert settings.database_url == "postgresql:///typed"
    assert settings.runtime_database_url == "postgresql:///too"
    assert settings.port == 8000


def test_a_credential_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The message has the setting and the reason, not what the file holds."""
    (tmp_path / "DATABASE_URL").write_bytes(b"\xff")
    with pytest.raises(SettingsError) as refused:
        read_settings({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert str(refused.value) == "DATABASE_URL: cannot read the credential: not UTF-8"
