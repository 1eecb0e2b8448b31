"""Copies of the host go back by a new migration, by SQL, and from the backup."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from drill.desk import UNINSTALL
from drill.host import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drill.desk import Desk
    from drill.host import Host
    from drill.reader import Reader

MIGRATIONS, OPERATIONS = "docs/migrations.md", "docs/operations.md"
INSTALLED = {"20250114000000": "installed", "20250115000000": "installed"}


@pytest.fixture
def copy(desk: Desk, reader: Reader, snapshot: Host) -> Iterator[Desk]:
    """Lend a desk whose host is a copy from just after the change, with its reader."""
    with running(f"copy{os.getpid()}", snapshot) as host:
        reader.desk = replace(desk, host=host)
        yield reader.desk
    reader.desk = desk


def assert_is_back(desk: Desk, reader: Reader, states: dict[str, str]) -> None:
    """The schema is what it was before the change, the history fits, and it serves."""
    assert desk.schema() == reader.words["schema"]
    assert desk.states() == states
    assert desk.ready() == '{"status":"ready"} 200'
    desk.must("sudo systemctl restart smally")
    assert desk.schema() == reader.words["schema"]


def test_back_by_a_new_migration(copy: Desk, reader: Reader) -> None:
    """It is written, built and deployed like any other."""
    path = "migrations/*_drop_user_preferences.sql"
    text = reader.file_of(MIGRATIONS, path)
    version = copy.add_migration("drop_user_preferences", text)
    copy.play("./scripts/deployment/build.sh")
    copy.deploy()
    both = dict.fromkeys((reader.words["version"], version), "installed")
    assert_is_back(copy, reader, INSTALLED | both)


def test_back_by_sql(copy: Desk, reader: Reader) -> None:
    """By hand, with the row of the history, and then the release before."""
    reader.follow(MIGRATIONS, "By SQL, on the server")
    assert copy.live() == reader.words["first"]
    assert_is_back(copy, reader, INSTALLED)


def test_back_from_a_backup_and_away(copy: Desk, reader: Reader) -> None:
    """The deployment's own backup; then smally goes, and its database stays."""
    newest = copy.must("sudo ls -t /var/backups/smally | grep -m 1 'deploy.*dump$'")
    reader.words["backup"] = newest.strip()
    reader.follow(MIGRATIONS, "From a backup")
    assert copy.live() == reader.words["first"]
    assert_is_back(copy, reader, INSTALLED)

    reader.follow(OPERATIONS, "Uninstalling")
    assert copy.on_host("systemctl cat smally").code != 0
    assert copy.on_host("ls /home/smally").code != 0
    count = "sudo -u postgres psql smally -Atc 'SELECT count(*) FROM users'"
    assert copy.must(f"cd / && {count}") == "1\n"
    copy.play(f"{UNINSTALL} -e drop_database=yes")
    assert copy.on_host(f"cd / && {count}").code != 0
    assert "smally-last-" in copy.must("sudo ls /var/backups/smally")
