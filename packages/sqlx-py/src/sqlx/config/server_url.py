"""What the URLs of servers share: names and ports, paths, passwords out of sight.

SQLx's rules hold, with one exception: an `@` after the authority is refused. It means
that a `/`, `?` or `#` in a password was not encoded, and SQLx sends parts of the
password around as a host, a port or a database's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlx.config.grammar import ENCODING, Parts, decode, encode, raw_pairs, refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "collect_secrets",
    "doubts",
    "is_address",
    "read_port",
    "read_server",
    "redacted_url",
    "refuse_at_sign",
    "refuse_odd_paths",
    "with_path",
]

_LAST_PORT = 65535


def read_server(written: str, example: str, socket: str) -> tuple[str, str]:
    """Read one server into its name, still encoded, and its port, which may be empty.

    Args:
        written: What stands between `@` and `/`.
        example: A right URL, for messages.
        socket: A right one with a socket in place of a host.

    Raises:
        ConfigurationError: There is no name, or something that is none.
    """
    if written.startswith("["):
        address, bracket, port = written[1:].partition("]")
        name = decode(address, "host")
        if not (bracket and port[:1] in {"", ":"} and is_address(name)):
            raise refused("invalid IPv6 address", "a right one is [2001:db8::1]")
        return name, read_port(port[1:], example)
    name, _, port = written.partition(":")
    if set(name) & set(" <>[]\\^|"):
        raise refused(
            "invalid domain character",
            rf"a host holds no space and none of < > [ ] \ ^ |; {ENCODING}",
        )
    if not name:
        raise refused(
            "empty host",
            f"name the host after the @: {example}, or for a socket {socket}",
        )
    return name, read_port(port, example)


def read_port(text: str, example: str) -> str:
    """Check a port, which may be empty, and take its leading zeros away.

    Raises:
        ConfigurationError: It is no number that can be a port.
    """
    if not text:
        return ""
    if not re.fullmatch("0*[1-9][0-9]{0,4}", text) or int(text) > _LAST_PORT:
        raise refused(
            "invalid port number",
            f"a port is a number from 1 to {_LAST_PORT}: {example}; {ENCODING}",
        )
    return str(int(text))


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def refuse_odd_paths(parts: Parts, example: str) -> None:
    """Refuse what SQLx takes for a database's name and nobody means to be one.

    Raises:
        ConfigurationError: There is such a path, or an `@` in it.
    """
    if parts.hosts is None and parts.path and not parts.path.startswith("/"):
        raise refused("no `//` after the scheme", f"a right URL is {example}")
    refuse_at_sign(parts.path)
    refuse_at_sign(parts.fragment or "")


def refuse_at_sign(text: str) -> None:
    """Refuse an `@` where none is meant: a password before it was not encoded.

    Raises:
        ConfigurationError: There is one; the message shows nothing of the text.
    """
    if "@" in text:
        raise refused("a `/`, `?` or `#` stands before an `@`", ENCODING)


def doubts(parts: Parts) -> tuple[str, ...]:
    """Say what may be read otherwise than it was meant, outside the query."""
    found = []
    if re.search("%(?![0-9A-Fa-f]{2})", f"{parts.userinfo or ''}{parts.path}"):
        found.append("a `%` that begins no escape stands for itself; write it as %25")
    if parts.fragment is not None:
        found.append("ignoring what follows the `#`; if it is meant, write it as %23")
    return tuple(found)


def redacted_url(scheme: str, parts: Parts, hidden: Collection[str]) -> str:
    """Write the URL as it was, with `***` for passwords.

    Args:
        scheme: In small letters.
        parts: All that follows it.
        hidden: The parameters whose values are secret.
    """
    user, colon, _ = (parts.userinfo or "").partition(":")
    at = "" if parts.userinfo is None else f"{user}{':***' if colon else ''}@"
    path = parts.path if parts.hosts is not None else f"/{parts.path.lstrip('/')}"
    query = "&".join(
        f"{name}{equals}{'***' if _named(name, hidden) else value}"
        for name, equals, value in raw_pairs(parts.query)
    )
    return f"{scheme}://{at}{parts.hosts or ''}{path}{'?' if query else ''}{query}"


def collect_secrets(
    parts: Parts, hidden: Collection[str], others: Iterable[str] = ()
) -> tuple[str, ...]:
    """Collect the passwords in a URL, as written and as meant, and others."""
    written = [(parts.userinfo or "").partition(":")[2]]
    written += [v for name, _, v in raw_pairs(parts.query) if _named(name, hidden)]
    meant = [decode(text, "password") for text in written]
    meant += [decode(text.replace("+", " "), "password") for text in written]
    return tuple(sorted({*written, *meant, *others} - {""}))


def with_path(redacted: str, database: str, without: Collection[str] = ()) -> str:
    """Put another database into a URL for messages.

    Args:
        redacted: The URL.
        database: The name; empty for none.
        without: Parameters that named one, to be left away.
    """
    start, _, query = redacted.partition("?")
    scheme, _, place = start.partition("://")
    kept = [
        f"{key}{equals}{value}"
        for key, equals, value in raw_pairs(query)
        if not _named(key, without)
    ]
    text = f"{scheme}://{place.partition('/')[0]}/{encode(database)}"
    return text + ("?" + "&".join(kept) if kept else "")


def _named(name: str, names: Collection[str]) -> bool:
    return decode(name, "name of a parameter") in names
