"""The filters of the playbooks: what stands between two releases, in migrations."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def load_filters() -> Any:
    """Import the filters, which lie in no package."""
    path = ROOT / "ansible/filter_plugins/migrations.py"
    spec = importlib.util.spec_from_file_location("migrations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILTERS = load_filters()
NAMES = {1: "first", 2: "second", 3: "third", 4: "fourth"}


def file(version: int, ending: str = ".sql") -> str:
    """Name a file of a migration."""
    return f"{version}_{NAMES[version]}{ending}"


def info(*, compatible: tuple[int, ...] = (), **states: str) -> dict[str, object]:
    """Write what the newer release says, of versions v1, v2 ... and their states."""
    rows = []
    for name, state in states.items():
        version = int(name.removeprefix("v"))
        row = {
            "version": version,
            "description": NAMES[version],
            "state": state,
            "path": None if state == "missing" else f"migrations/{file(version)}",
            "compatible": version in compatible,
        }
        rows.append(row)
    return {"migrations": rows}


def test_nothing_is_undone_where_nothing_stands_in_the_way() -> None:
    """What both releases have stays; what is pending was never done."""
    newer = info(v1="installed", v2="pending")
    assert FILTERS.way_back(newer, [file(1), file(2)], [file(1)]) == {
        "revert_to": None,
        "plan": [],
        "blocked": [],
    }


def test_a_compatible_migration_stays() -> None:
    """The older release starts on it, so its down file is not even looked for."""
    newer = info(v1="installed", v2="installed", compatible=(2,))
    assert FILTERS.way_back(newer, [file(1), file(2)], [file(1)]) == {
        "revert_to": None,
        "plan": [
            "migrations/2_second.sql stays: it is compatible with the older release"
        ],
        "blocked": [],
    }


def test_what_the_older_release_cannot_bear_is_undone_newest_first() -> None:
    """Down to the newest that stays, which may be a compatible one."""
    newer = info(
        v1="installed", v2="installed", v3="installed", v4="installed", compatible=(2,)
    )
    names = [file(1), file(2), file(3), file(4)]
    downs = [file(3, ".down.sql"), file(4, ".down.sql")]
    assert FILTERS.way_back(newer, [*names, *downs], [file(1)]) == {
        "revert_to": 2,
        "plan": [
            "migrations/2_second.sql stays: it is compatible with the older release",
            "migrations/4_fourth.sql is undone with its down file",
            "migrations/3_third.sql is undone with its down file",
        ],
        "blocked": [],
    }


def test_all_is_undone_down_to_an_empty_history() -> None:
    """Zero is the version in front of the first."""
    names = [file(1), file(1, ".down.sql")]
    assert FILTERS.way_back(info(v1="installed"), names, [])["revert_to"] == 0


def test_every_file_without_a_way_back_is_named() -> None:
    """A compatible one above it has to go as well, and needs its down file, too."""
    newer = info(v1="installed", v2="installed", v3="installed", compatible=(3,))
    names = [file(1), file(2), file(3)]
    assert FILTERS.way_back(newer, names, [file(1)])["blocked"] == [
        "migrations/3_third.sql is newer than one to undo, and has no down file",
        "migrations/2_second.sql is not compatible, and has no down file",
    ]


def test_what_the_older_release_has_is_not_undone() -> None:
    """An older version that arrived late cannot be undone past it."""
    newer = info(v1="installed", v2="installed", v3="installed")
    names = [file(1), file(2), file(2, ".down.sql"), file(3), file(3, ".down.sql")]
    assert FILTERS.way_back(newer, names, [file(1), file(3)])["blocked"] == [
        "migrations/3_third.sql is newer than one to undo, and the older release has it"
    ]


def test_what_the_newer_release_cannot_undo_is_named() -> None:
    """Neither a row without a file nor a dirty one has a down file to run."""
    newer = info(v1="installed", v2="missing", v3="dirty")
    names = [file(1), file(3), file(3, ".down.sql")]
    assert FILTERS.way_back(newer, names, [file(1)])["blocked"] == [
        (
            "migrations/3_third.sql is partially applied: "
            "`sqlx migrate run` says how to mend it"
        ),
        "migration 2 (second) has no file in the newer release",
    ]


def test_a_deploy_names_the_pending_migrations_without_a_way_back() -> None:
    """A marker or a down file is a way back; what is applied is past."""
    newer = info(
        v1="installed", v2="pending", v3="pending", v4="pending", compatible=(3,)
    )
    names = [file(n) for n in NAMES]
    assert FILTERS.without_way_back(newer, [*names, file(4, ".down.sql")]) == [
        "migrations/2_second.sql"
    ]
