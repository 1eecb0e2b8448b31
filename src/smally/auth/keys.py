"""API keys: how one is made, recognised, stored and shown.

A key is `smk_`, 43 characters for 256 random bits, and 6 for a checksum, so that a typo
and a leaked key are recognised without a database. A fast hash is enough to store it:
nobody can try out 256 random bits, as one can the passwords that people choose.

Source:
    GitHub's token format: a CRC-32 in base62 at the end, for whoever scans for leaks.
"""

from __future__ import annotations

import re
from hashlib import sha256
from secrets import token_urlsafe
from string import ascii_lowercase, ascii_uppercase, digits
from zlib import crc32

__all__ = ["display_prefix", "hash_key", "is_well_formed", "new_key"]

RANDOM_BYTES = 32
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = 12
BASE62 = digits + ascii_uppercase + ascii_lowercase
FORM = re.compile(r"smk_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}")


def new_key() -> str:
    """Make a key that nobody has."""
    body = "smk_" + token_urlsafe(RANDOM_BYTES)
    return body + checksum(body)


def is_well_formed(text: str) -> bool:
    """Say whether a text can be a key: its form, and the checksum at its end."""
    if FORM.fullmatch(text) is None:
        return False
    return checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def hash_key(key: str) -> bytes:
    """Give the SHA-256 by which a key is stored and looked up."""
    return sha256(key.encode()).digest()


def display_prefix(key: str) -> str:
    """Give the beginning that tells a key from others and opens nothing."""
    return key[:SHOWN_LENGTH]


def checksum(body: str) -> str:
    """Write the CRC-32 of a key's beginning in base62, padded with zeros."""
    rest = crc32(body.encode())
    written = ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, 62)
        written = BASE62[digit] + written
    return written
