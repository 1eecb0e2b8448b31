"""The everyday change: one more migration, and a reboot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drill.desk import Desk
    from drill.host import Host
    from drill.reader import Reader

MIGRATIONS = "docs/migrations.md"
FILE = "migrations/*_add_user_preferences_table.sql"


def test_one_more_migration_is_deployed(
    desk: Desk, reader: Reader, figures: dict[str, str]
) -> None:
    """The documented change, while somebody embeds all the time."""
    reader.words["schema"] = desk.schema()
    text = reader.file_of(MIGRATIONS, FILE)
    reader.words["version"] = desk.add_migration("add_user_preferences_table", text)
    key = reader.words["key"]
    with desk.watching("/v1/embed", key) as seen:
        _, deploy, _ = reader.follow(MIGRATIONS, "Deployment process")
    figures["deployment of one migration"] = f"{deploy.seconds:.0f} s"
    figures["its interruption, embedding"] = str(seen[0])
    assert desk.live() != reader.words["first"]
    assert deploy.of_run("failed") == 0
    told = re.search(r"interrupted for (\d+) ms", deploy.text)
    assert told is not None
    figures["its interruption, as the play says"] = f"{told[1]} ms"


def test_running_migrations_by_hand_is_as_documented(reader: Reader) -> None:
    """The file is installed, and a run finds nothing to do."""
    reader.follow(MIGRATIONS, "Running migrations by hand on the server")


def test_a_reboot_brings_it_back(
    host: Host, desk: Desk, snapshot: Host, figures: dict[str, str]
) -> None:
    """Ready without anybody's help; once more from a copy of its disk."""
    host.reboot()
    assert desk.ready() == '{"status":"ready"} 200'
    figures["boot"] = desk.must("systemd-analyze").partition("\n")[0]
    host.stop()
    snapshot.make(host)
    host.start()
    assert desk.ready() == '{"status":"ready"} 200'
