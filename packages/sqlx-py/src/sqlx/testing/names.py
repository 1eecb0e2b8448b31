"""The names by which processes on one server know each other's databases.

A test's database is `_sqlx_test_<session>_<number>`; a session is one process, and
holds a lock on its number for as long as it lives. A template is
`_sqlx_template_<digest>_<owner>`.

SQLx in Rust has `_sqlx_test_` too; what follows is never written so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["DENIED", "KEPT", "TestName", "is_template", "renamed", "template_name"]

KEPT = "kept by sqlx-py: "
DENIED = {1044, 1142, 1143, 1227, 1370}
"""MySQL's numbers for a right that is missing, on what has one of these names."""
TEST = re.compile("_sqlx_test_([0-7][0-9a-f]{7})_([1-9][0-9]{0,17})")
TEMPLATE = re.compile("_sqlx_template_[0-9a-f]{16}_[0-9]+")
OURS = f"(?:{TEST.pattern}|{TEMPLATE.pattern})"
DIGITS = 16  # of a digest, in a template's name


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
        found = TEST.fullmatch(name)
        return cls(int(found[1], 16), int(found[2])) if found else None


def template_name(digest: str, owner: int) -> str:
    """Name the template of a digest; who owns it owns what the migrations have made.

    Args:
        digest: Of the migrations; empty for none.
        owner: The number of its owner.
    """
    return f"_sqlx_template_{digest[:DIGITS]:0<{DIGITS}}_{owner}"


def is_template(name: str) -> bool:
    """Tell whether a name is that of a template."""
    return TEMPLATE.fullmatch(name) is not None


def renamed(text: str, database: str) -> str:
    """Name a user's database where a server names one of ours, which will be gone.

    Args:
        text: What the server says.
        database: The one that stands for ours; empty for none.
    """
    if database:
        return re.sub(OURS, lambda _: database, text)
    return re.sub(rf"`?{OURS}`?\.", "", text)
