"""What `sqlx.toml` may hold, as a table, and the check of a document against it.

The table `prepare` is ours. SQLx refuses it, so a project whose `sqlx.toml` Rust reads
too writes the same settings as `[drivers.external.sqlx-py]`, which SQLx passes over.

Source:
    SQLx 0.9.0, sqlx-core `config/*.rs`; most words are those of its parser, serde.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Misfit", "Path", "check"]

Path: TypeAlias = tuple[str, ...]
_Check: TypeAlias = Callable[[object, Path], None]

_TYPES = (
    (bool, "boolean"),
    (str, "string"),
    (int, "integer"),
    (float, "float"),
    (list, "array"),
    (dict, "table"),
)


class Misfit(Exception):
    """A name or a value does not belong where it stands.

    Args:
        path: The names from the root to the one that is wrong.
        reason: What is wrong, and what would be right.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


def check(document: object) -> None:
    """Check a parsed `sqlx.toml`.

    Raises:
        Misfit: The first thing in it that SQLx would not take.
    """
    _ROOT(document, ())


def _anything(_value: object, _path: Path) -> None:
    """Take what SQLx takes unseen."""


def _text(value: object, path: Path) -> None:
    if not isinstance(value, str):
        raise _of_another_type(value, path, "a string")


def _character(value: object, path: Path) -> None:
    _text(value, path)
    if len(str(value)) != 1:
        raise Misfit(path, "invalid value: expected strings of one character")


def _extension(value: object, path: Path) -> None:
    if isinstance(value, dict) and value.keys() == {"path", "entrypoint"}:
        for item in value.values():
            _text(item, path)
    elif not isinstance(value, str):
        reason = "expected strings, or tables of `path` and `entrypoint` and no more"
        raise Misfit(path, reason)


def _one_of(*names: str) -> _Check:
    def check_name(value: object, path: Path) -> None:
        _text(value, path)
        if value not in names:
            raise Misfit(path, f"unknown variant `{value}`, {_expected(names)}")

    return check_name


def _array(check_item: _Check) -> _Check:
    def check_array(value: object, path: Path) -> None:
        if not isinstance(value, list):
            raise _of_another_type(value, path, "an array")
        for item in value:
            check_item(item, path)

    return check_array


def _table(known: dict[str, _Check], others: _Check | None = None) -> _Check:
    """Make the check of a table: its known names, and what all others are to be."""

    def check_table(value: object, path: Path) -> None:
        if not isinstance(value, dict):
            raise _of_another_type(value, path, "a table")
        for name, item in value.items():
            check_item = known.get(name, others)
            if check_item is None:
                reason = f"unknown field `{name}`, {_expected(tuple(known))}"
                raise Misfit((*path, name), reason)
            check_item(item, (*path, name))

    return check_table


def _of_another_type(value: object, path: Path, expected: str) -> Misfit:
    found = next((name for kind, name in _TYPES if isinstance(value, kind)), "date")
    reason = f"invalid type: {found}, expected {expected} for `{'.'.join(path)}`"
    return Misfit(path, reason)


def _expected(names: tuple[str, ...]) -> str:
    if not names:
        return "there are no fields"
    return f"expected {'one of ' if len(names) > 1 else ''}`{'`, `'.join(names)}`"


_PREPARE = _table(
    {
        "packages": _array(_text),
        "sqlx-version": _one_of("0.8", "0.9"),
        "database": _one_of("postgres", "sqlite", "mysql"),
    }
)

# Where `others` stands, SQLx takes names that it does not know.
_ROOT = _table(
    {
        "common": _table({"database-url-var": _text}),
        "drivers": _table(
            {
                "mysql": _table({}),
                "postgres": _table({}),
                "sqlite": _table({"unsafe-load-extensions": _array(_extension)}),
                "external": _table(
                    {"sqlx-py": _PREPARE}, others=_table({}, others=_anything)
                ),
            }
        ),
        "macros": _table(
            {
                "preferred-crates": _table(
                    {
                        "date-time": _one_of("inferred", "chrono", "time"),
                        "numeric": _one_of("inferred", "bigdecimal", "rust_decimal"),
                    },
                    others=_anything,
                ),
                "type-overrides": _table({}, others=_text),
                "table-overrides": _table({}, others=_table({}, others=_text)),
            }
        ),
        "migrate": _table(
            {
                "create-schemas": _array(_text),
                "table-name": _text,
                "migrations-dir": _text,
                "ignored-chars": _array(_character),
                "defaults": _table(
                    {
                        "migration-type": _one_of("inferred", "simple", "reversible"),
                        "migration-versioning": _one_of(
                            "inferred", "timestamp", "sequential"
                        ),
                    },
                    others=_anything,
                ),
            }
        ),
        "prepare": _PREPARE,
    }
)
