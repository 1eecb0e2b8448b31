"""Ways back with the playbook: compatible, with down files, and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drill.desk import ROLL_BACK
from drill.releases import vary

if TYPE_CHECKING:
    from pathlib import Path

    from drill.desk import Desk
    from drill.reader import Reader

MIGRATIONS, OPERATIONS = "docs/migrations.md", "docs/operations.md"
WITH_DOWN = "20990201000000_with_down"
ONE_WAY = "20990301000000_one_way"


def add_with_down(tree: Path) -> None:
    """Add a migration that has a down file."""
    files = tree / "migrations"
    (files / f"{WITH_DOWN}.sql").write_text("CREATE TABLE with_down (id int);\n")
    (files / f"{WITH_DOWN}.down.sql").write_text("DROP TABLE with_down;\n")


def add_one_way(tree: Path) -> None:
    """Add one that has none."""
    file = tree / "migrations" / f"{ONE_WAY}.sql"
    file.write_text("CREATE TABLE one_way (id int);\n")


def test_a_compatible_migration_stays(desk: Desk, reader: Reader) -> None:
    """The release before starts on the newer schema, and the journal says so."""
    reader.words["second"] = desk.live()
    assert reader.words["second"] != reader.words["first"]
    reader.follow(MIGRATIONS, "By the release before")
    assert desk.live() == reader.words["first"]
    assert desk.ready() == '{"status":"ready"} 200'
    assert desk.states()[reader.words["version"]] == "compatible"
    desk.deploy(reader.words["second"])
    assert desk.states()[reader.words["version"]] == "installed"


def test_a_migration_with_a_down_file_is_undone(desk: Desk, reader: Reader) -> None:
    """The newer release's down file takes its table away; the compatible one stays."""
    vary(desk.clone, desk.live(), "0.1.0+9101.g0000000", add_with_down)
    desk.deploy()
    assert "with_down" in desk.schema()
    reader.follow(OPERATIONS, "Going back")
    assert desk.live() == reader.words["second"]
    assert "with_down" not in desk.schema()
    assert desk.ready() == '{"status":"ready"} 200'


def test_a_migration_without_a_way_back_is_named(desk: Desk) -> None:
    """The deployment says so beforehand; the way back is refused: nothing changes."""
    release = "0.1.0+9102.g0000000"
    vary(desk.clone, desk.live(), release, add_one_way)
    said = desk.deploy()
    assert f"{ONE_WAY}.sql" in said.text
    assert "it has no way back" in said.text
    before = desk.schema()
    refused = desk.play(ROLL_BACK, fails=True)
    assert f"{ONE_WAY}.sql" in refused.text
    assert (desk.live(), desk.schema()) == (release, before)
    assert desk.ready() == '{"status":"ready"} 200'
