"""Filters: what stands between two releases, in migrations.

A release is asked with `sqlx migrate info --format json`: it knows its own files and
what the database has. The other release is known by the names of its files.
"""

# ruff: noqa: INP001 -- Ansible loads the file by its place.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["FilterModule", "way_back", "without_way_back"]

DOWN = ".down.sql"


class Row(TypedDict):
    """A migration, as the command describes it."""

    version: int
    description: str
    state: str
    path: str | None
    compatible: bool


class Info(TypedDict):
    """The document of `sqlx migrate info --format json`."""

    migrations: list[Row]


class Way(TypedDict):
    """How to go back: up to which version to revert, None for not at all.

    `plan` says what happens to each migration, `blocked` what makes it impossible.
    """

    revert_to: int | None
    plan: list[str]
    blocked: list[str]


def way_back(newer: Info, newer_files: list[str], older_files: list[str]) -> Way:
    """Find how the database gets from the newer release to the older one.

    Everything applied, from the oldest migration on that the older release cannot bear,
    is undone, newest first, so each of these needs its down file; compatible ones that
    came before stay.
    """
    shipped = versions(older_files)
    downs = versions(name for name in newer_files if name.endswith(DOWN))
    applied = [row for row in newer["migrations"] if row["state"] != "pending"]
    extra = [row for row in applied if row["version"] not in shipped]
    unbearable = [row["version"] for row in extra if not row["compatible"]]
    oldest = min(unbearable, default=None)
    if oldest is None:
        return Way(revert_to=None, plan=[kept(row) for row in extra], blocked=[])
    undone = [row for row in applied if row["version"] >= oldest]
    stay = [row for row in applied if row["version"] < oldest]
    reasons = [obstacle(row, shipped, downs) for row in reversed(undone)]
    if blocked := [reason for reason in reasons if reason]:
        return Way(revert_to=None, plan=[], blocked=blocked)
    return Way(
        revert_to=max((row["version"] for row in stay), default=0),
        plan=[
            *(kept(row) for row in extra if row in stay),
            *(f"{named(row)} is undone with its down file" for row in reversed(undone)),
        ],
        blocked=[],
    )


def obstacle(row: Row, shipped: set[int], downs: set[int]) -> str:
    """Say why a migration cannot be undone on the way; empty when it can."""
    if row["version"] in shipped:
        return f"{named(row)} is newer than one to undo, and the older release has it"
    if row["state"] == "dirty":
        return (
            f"{named(row)} is partially applied: `sqlx migrate run` says how to mend it"
        )
    if row["path"] is None:
        return f"{named(row)} has no file in the newer release"
    if row["version"] in downs:
        return ""
    why = "is newer than one to undo" if row["compatible"] else "is not compatible"
    return f"{named(row)} {why}, and has no down file"


def without_way_back(info: Info, files: list[str]) -> list[str]:
    """List the pending migrations after which the release before cannot run again."""
    downs = versions(name for name in files if name.endswith(DOWN))
    return [
        named(row)
        for row in info["migrations"]
        if row["state"] == "pending"
        and not row["compatible"]
        and row["version"] not in downs
    ]


def kept(row: Row) -> str:
    """Say that a migration stays."""
    return f"{named(row)} stays: it is compatible with the older release"


def named(row: Row) -> str:
    """Name a migration by its file, or by what the database knows."""
    return row["path"] or f"migration {row['version']} ({row['description']})"


def versions(names: Iterable[str]) -> set[int]:
    """Read the versions from names of files."""
    found = (re.match(r"(\d+)_.*\.sql$", name) for name in names)
    return {int(match[1]) for match in found if match}


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Give the filters by name."""
        return {"way_back": way_back, "without_way_back": without_way_back}
