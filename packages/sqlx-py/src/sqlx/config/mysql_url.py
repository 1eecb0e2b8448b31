"""The URLs of MySQL and MariaDB, as SQLx reads them.

No environment variable matters. A host is not percent-decoded; a socket is named by its
path, in a parameter, and goes before host and port. As with PostgreSQL's URLs we warn
about names of parameters that SQLx passes over in silence.

Source:
    SQLx `MySqlConnectOptions::parse_from_url`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from sqlx.config.grammar import Parts, decode, pairs, quoted, refused, split_parts
from sqlx.config.server_url import (
    collect_secrets,
    doubts,
    read_server,
    redacted_url,
    refuse_at_sign,
    refuse_odd_paths,
    with_path,
)

__all__ = ["MySqlUrl", "parse_mysql_url"]

_EXAMPLE = "mysql://user:password@host:3306/database"
_SOCKET_EXAMPLE = (
    "its path: mysql://user:password@localhost/database?socket=/run/mysqld/mysqld.sock"
)
_FIELDS = {
    "sslmode": "ssl_mode",
    "ssl-mode": "ssl_mode",
    "sslca": "ssl_ca",
    "ssl-ca": "ssl_ca",
    "sslcert": "ssl_cert",
    "ssl-cert": "ssl_cert",
    "sslkey": "ssl_key",
    "ssl-key": "ssl_key",
    "charset": "charset",
    "collation": "collation",
    "socket": "socket",
    "timezone": "time_zone",
    "time-zone": "time_zone",
}
_SSL_MODES = ("disabled", "preferred", "required", "verify_ca", "verify_identity")
# They are written into SET NAMES as they are.
_NAMES = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}
_SECRETS = frozenset({"password"})  # No parameter, but somebody may take it for one.


@dataclass(frozen=True, slots=True)
class MySqlUrl:
    """Where a database of MySQL or MariaDB is, and how to connect.

    Args:
        user: The user.
        password: The password; empty for none.
        host: The server's name or address.
        port: The server's port.
        socket: The path of the server's socket, which goes before the host.
        database: The database; empty for none.
        ssl_mode: `disabled`, `preferred`, `required`, `verify_ca` or `verify_identity`.
        ssl_ca: The file of the authority's certificate.
        ssl_cert: The file of our certificate.
        ssl_key: The file of its key.
        charset: The character set of the session.
        collation: Its collation; None for the server's choice.
        time_zone: The session's time zone; None for the server's.
        warnings: What in the URL has no effect or looks wrong, a sentence each.
        redacted: The URL as it was written, with `***` for passwords: for messages.
        secrets: What `redact` takes out of messages.
    """

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    socket: str | None
    database: str
    ssl_mode: str
    ssl_ca: str | None
    ssl_cert: str | None
    ssl_key: str | None
    charset: str
    collation: str | None
    time_zone: str | None
    warnings: tuple[str, ...]
    redacted: str
    secrets: tuple[str, ...] = field(repr=False)

    def keywords(self) -> dict[str, str | int]:
        """Give PyMySQL's keywords, all but TLS: `pymysql.connect(**url.keywords())`."""
        named: dict[str, str | int | None] = {
            "user": self.user,
            "password": self.password,
            "host": self.host,
            "port": self.port,
            "unix_socket": self.socket,
            "database": self.database,
            "charset": self.charset,
            "collation": self.collation,
        }
        return {name: value for name, value in named.items() if value}

    def with_database(self, name: str) -> MySqlUrl:
        """Make the URL of another database on the same server, or with "" of none."""
        return replace(self, database=name, redacted=with_path(self.redacted, name))


def parse_mysql_url(scheme: str, rest: str) -> MySqlUrl:
    """Read a URL in two pieces, its scheme and what follows the colon.

    Raises:
        ConfigurationError: The URL is malformed; no message shows a part of a password.
    """
    parts = split_parts(rest)
    query, warnings = _read_parameters(parts.query)
    given = _before_query(parts) | query
    time_zone = given.get("time_zone", "+00:00")
    return MySqlUrl(
        user=given.get("user", "root"),
        password=given.get("password", ""),
        host=given.get("host", "localhost"),
        port=int(given.get("port", "3306")),
        socket=given.get("socket"),
        database=given.get("database", ""),
        ssl_mode=given.get("ssl_mode", "preferred"),
        ssl_ca=given.get("ssl_ca"),
        ssl_cert=given.get("ssl_cert"),
        ssl_key=given.get("ssl_key"),
        charset=given.get("charset", "utf8mb4"),
        collation=given.get("collation"),
        time_zone=None if time_zone.lower() == "none" else time_zone,
        warnings=(*doubts(parts), *warnings),
        redacted=redacted_url(scheme, parts, _SECRETS),
        secrets=collect_secrets(parts, _SECRETS),
    )


def _before_query(parts: Parts) -> dict[str, str]:
    """Read the user, the server and the database, each when it is there."""
    host, port = "", ""
    if parts.hosts or parts.userinfo is not None:
        host, port = read_server(parts.hosts or "", _EXAMPLE, _SOCKET_EXAMPLE)
    refuse_odd_paths(parts, _EXAMPLE)
    user, _, password = (parts.userinfo or "").partition(":")
    read = {
        "user": decode(user, "user name"),
        "password": decode(password, "password"),
        "host": host,
        "port": port,
        "database": decode(parts.path.lstrip("/"), "database name"),
    }
    return {name: value for name, value in read.items() if value}


def _read_parameters(query: str) -> tuple[dict[str, str], list[str]]:
    """Read a query into values by field, and warnings about names it does not know.

    The last value of a name counts; an empty one does not. `statement-cache-capacity`
    is SQLx's and has no effect here.
    """
    given: dict[str, str] = {}
    warnings = []
    for written, value in pairs(query):
        name = _FIELDS.get(written)
        if name is not None:
            given[name] = _checked(name, value)
        elif written != "statement-cache-capacity":
            refuse_at_sign(written + value)
            warnings.append(
                f"ignoring unrecognized connect parameter {quoted(written)}; "
                "correct its spelling or remove it"
            )
    return {name: value for name, value in given.items() if value}, warnings


def _checked(name: str, value: str) -> str:
    """Refuse what the field cannot have."""
    refuse_at_sign(value)
    if name == "ssl_mode" and value.lower() not in _SSL_MODES:
        raise refused(
            f"unknown value {quoted(value)} for `ssl_mode`",
            f"choose one of {', '.join(_SSL_MODES)}",
        )
    if name in _NAMES and not re.fullmatch("[A-Za-z0-9_]*", value):
        raise refused(
            f"{quoted(value)} is no {name}", f"it is a name, as {_NAMES[name]} is"
        )
    return value.lower() if name == "ssl_mode" else value
