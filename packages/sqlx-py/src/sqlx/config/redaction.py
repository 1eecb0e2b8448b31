"""Passwords taken out of messages.

libpq, drivers and parsers quote what they were given: a whole connection string, or the
part of a password at which they gave up. So every message of theirs passes `redact`,
which looks for the password as it was written, is meant, and is encoded or quoted, and
for its parts of four characters or more between those at which parsers split.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlx.config.grammar import encode
from sqlx.config.mysql_url import MySqlUrl
from sqlx.config.postgres_url import PostgresUrl

if TYPE_CHECKING:
    from sqlx.config.url import DatabaseUrl

__all__ = ["redact"]

_MASK = "***"
_SPLIT = re.compile(r"""[@:/?#%&=\\'"\s]+""")
_TELLING_LENGTH = 4


def redact(text: str, url: DatabaseUrl) -> str:
    """Replace every password of the URL, and every telling part of one, by `***`."""
    if not isinstance(url, PostgresUrl | MySqlUrl):
        return text
    found = {form for secret in url.secrets for form in _forms(secret)}
    # A mask that shares a character with a password could complete it anew.
    mask = "" if any(set(form) & set(_MASK) for form in found) else _MASK
    longest_first = sorted(found, key=lambda form: (-len(form), form))
    while any(form in text for form in longest_first):
        for form in longest_first:
            text = text.replace(form, mask)
    return text


def _forms(secret: str) -> set[str]:
    """List how a password may appear in a message."""
    encoded = encode(secret)
    whole = {secret, encoded, encoded.lower(), repr(secret)[1:-1]}
    whole.add(re.sub(r"[\\']", r"\\\g<0>", secret))  # A quoted value of libpq's.
    parts = {part for form in whole for part in _SPLIT.split(form)}
    return whole | {part for part in parts if len(part) >= _TELLING_LENGTH}
