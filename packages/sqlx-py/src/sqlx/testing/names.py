"""The names and keys by which processes on one server know each other's databases.

A test's database is `_sqlx_test_<session>_<number>`; a session is one process, and
holds an advisory lock on its number for as long as it lives. A template is
`_sqlx_template_<digest>_<owner>`; whoever clones it holds a lock on its name, shared,
and whoever makes it another one alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Self

__all__ = ["KEPT", "MAKING", "SESSIONS", "TEMPLATES", "TestName", "lock_key", "quoted"]

# The first numbers of our advisory locks: "sqlt", "sqlu" and "sqlv".
SESSIONS, TEMPLATES, MAKING = 0x73716C74, 0x73716C75, 0x73716C76
KEPT = "kept by sqlx-py: "


@dataclass(frozen=True, slots=True)
class TestName:
    """The name of a test's database.

    Args:
        session: The number of the process that made it, at most 31 bits.
        number: Counts its databases.
    """

    __test__ = False

    session: int
    number: int

    def __str__(self) -> str:
        return f"_sqlx_test_{self.session:08x}_{self.number}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read a name; None when it is not one of ours."""
        try:
            session, number = name.removeprefix("_sqlx_test_").split("_")
            found = cls(int(session, 16), int(number))
        except ValueError:
            return None
        return found if str(found) == name else None


def lock_key(name: str) -> int:
    """Give the second number of a template's locks: 32 bits, with a sign."""
    return zlib.crc32(name.encode()) - (1 << 31)


def quoted(name: str) -> str:
    """Write a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
