"""`--format json`: the one document that a command prints instead of its lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlx.engine.news import Change, Info, InfoRow, Report
    from sqlx.migrations.migration import SourceWarning

__all__ = ["info_document", "report_document"]

Document: TypeAlias = dict[str, object]

ERROR_FACTS = ("version", "path", "line", "column")


def report_document(
    changes: Iterable[Change],
    warnings: Iterable[SourceWarning],
    outcome: Report | Exception,
) -> str:
    """Write what a run, a skip or a revert did, also when it ended in an error.

    `{"migrations": […], "already_applied": 3, "blocked_by": null, "warnings": […],
    "error": null}`. Of a migration: version, description, kind (simple, up or down),
    path, direction (migrate or revert), outcome (SQLx's word) and elapsed_ns. Of an
    error: kind (the name of its class), message, version, path, line and column.
    """
    report = None if isinstance(outcome, Exception) else outcome
    error = outcome if isinstance(outcome, Exception) else None
    return _written(
        {
            "migrations": [_change(change) for change in changes],
            "already_applied": report.already_applied if report else None,
            "blocked_by": (report.blocked_by or None) if report else None,
            "warnings": [_warning(warning) for warning in warnings],
            "error": _error(error) if error else None,
        }
    )


def info_document(info: Info) -> str:
    """Write where every version stands, those without a file included.

    `{"table": "_sqlx_migrations", "migrations": […], "warnings": […]}`; of a migration:
    version, description, state (pending, installed, changed, dirty, missing, or
    compatible: missing and no hindrance), compatible (recorded so; of a pending one,
    marked so), path, local_checksum and stored_checksum (hex), installed_on and
    elapsed_ns.
    """
    return _written(
        {
            "table": info.table,
            "migrations": [_row(row) for row in info.rows],
            "warnings": [_warning(warning) for warning in info.warnings],
        }
    )


def _written(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _change(change: Change) -> Document:
    migration = change.migration
    return {
        "version": migration.version,
        "description": migration.description,
        "kind": migration.kind.name.lower(),
        "path": migration.path,
        "direction": change.direction.value,
        "outcome": change.outcome.value,
        "elapsed_ns": change.elapsed_ns,
    }


def _row(row: InfoRow) -> Document:
    local, stored = row.local_checksum, row.stored_checksum
    return {
        "version": row.version,
        "description": row.description,
        "state": row.state.name.lower(),
        "compatible": row.compatible,
        "path": row.path or None,
        "local_checksum": None if local is None else local.hex(),
        "stored_checksum": None if stored is None else stored.hex(),
        "installed_on": row.installed_on or None,
        "elapsed_ns": None if row.elapsed_ns < 0 else row.elapsed_ns,
    }


def _warning(warning: SourceWarning) -> Document:
    return {
        "code": warning.code,
        "path": warning.path,
        "line": warning.line,
        "message": warning.message,
    }


def _error(error: Exception) -> Document:
    facts = {name: getattr(error, name, None) for name in ERROR_FACTS}
    return {"kind": type(error).__name__, "message": str(error), **facts}
