"""Any signed 64-bit version goes up and down on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import sqlx

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Write


@pytest.mark.parametrize("version", [-(2**63), -1, 0, 2**63 - 1])
def test_an_extreme_version_goes_up_and_down(
    database: Database, folder: Path, write: Write, version: int
) -> None:
    """Negative versions, too, are numbers and nothing else in our SQL."""
    write(f"{version}_t.up.sql", "CREATE TABLE t (id BIGINT);\n")
    write(f"{version}_t.down.sql", "DROP TABLE t;\n")
    migrator = sqlx.Migrator(folder)
    assert [m.version for m in migrator.run(database.url).applied] == [version]
    assert database.versions() == [(version, True)]
    assert [m.version for m in migrator.revert(database.url).applied] == [version]
    assert database.versions() == []
