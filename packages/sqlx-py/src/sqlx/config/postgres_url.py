r"""PostgreSQL's URLs, as SQLx reads them, made into keywords of libpq.

What libpq finds out as SQLx does is left to libpq: a field is None and no keyword is
passed for `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `PGSSLMODE` and the like, for
the service file, the account's name, and the password file. libpq undoes the escapes in
`.pgpass` as SQLx 0.9 does (`\:` is `:` and `\\` is `\`); an unescaped `:` ends a
password there, where SQLx reads on to the end of the line.

Where the two differ, SQLx's rule is carried out here:

- With no host anywhere, the host is the first of `/var/run/postgresql`, `/private/tmp`
  and `/tmp` that holds the server's socket, else `localhost`. (libpq knows only the
  directory chosen when it was built. SQLx looks for the socket of `PGPORT` even where
  the URL names another port; we look for the one that is meant.)
- A host in the URL switches `PGHOSTADDR` off; libpq would go on to connect there.
- `options` are appended to `PGOPTIONS`; libpq would drop the variable.
- `sslmode` has no case, in `PGSSLMODE` neither, and `allow` means `disable`.

More than SQLx: several hosts, of which the first that accepts writes is taken, IPv6
addresses, every keyword of libpq, and `pooled=true|false`.

Source:
    SQLx `PgConnectOptions::parse_from_url`; PostgreSQL 18's manual, 34.1, 34.15, 34.16.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlx.config.grammar import EXAMPLE, Parts, decode, refused, split_parts
from sqlx.config.parameters import SECRETS, read_parameters, ssl_mode
from sqlx.config.server_url import (
    collect_secrets,
    doubts,
    is_address,
    read_port,
    read_server,
    redacted_url,
    refuse_odd_paths,
    with_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Host", "PostgresUrl", "parse_postgres_url"]

_SOCKET_DIRECTORIES = (
    "/var/run/postgresql",  # Debian
    "/private/tmp",  # macOS with Homebrew
    "/tmp",  # noqa: S108 - PostgreSQL's own default.
)
_SOCKET_EXAMPLE = (
    "its directory: postgres://user:password@%2Fvar%2Frun%2Fpostgresql/database"
)
_DEFAULT_PORT = "5432"


@dataclass(frozen=True, slots=True)
class Host:
    """One server: its name, address or socket's directory, and its port."""

    name: str
    port: int | None


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """Where a PostgreSQL database is, and how to connect.

    Args:
        hosts: The servers to try, in order; none when libpq's environment names them.
            All have a port, or none has.
        user: The user, when the URL names one.
        password: The password, when the URL holds one.
        dbname: The database, when the URL names one.
        database: The database that is meant: the URL's, else `PGDATABASE`, else the one
            with the user's name. For creating and dropping it.
        parameters: Further keywords of libpq and their values.
        pooled: What the URL says of a transaction pooler in between; None for nothing.
        warnings: What in the URL has no effect or looks wrong, a sentence each.
        redacted: The URL as it was written, with `***` for passwords: for messages.
        secrets: What `redact` takes out of messages.
    """

    hosts: tuple[Host, ...]
    user: str | None
    password: str | None = field(repr=False)
    dbname: str | None
    database: str
    parameters: tuple[tuple[str, str], ...] = field(repr=False)
    pooled: bool | None
    warnings: tuple[str, ...]
    redacted: str
    secrets: tuple[str, ...] = field(repr=False)

    def keywords(self) -> dict[str, str]:
        """Give libpq's keywords, for `psycopg.connect(**url.keywords())`."""
        ports = [str(host.port) for host in self.hosts if host.port is not None]
        named = {
            "host": ",".join(host.name for host in self.hosts),
            "port": ",".join(ports),
            "user": self.user,
            "password": self.password,
            "dbname": self.dbname,
        }
        given = {name: value for name, value in named.items() if value}
        return given | dict(self.parameters)

    def with_database(self, name: str) -> PostgresUrl:
        """Make the URL of another database on the same servers."""
        redacted = with_path(self.redacted, name, without={"dbname"})
        return replace(self, dbname=name, database=name, redacted=redacted)


def parse_postgres_url(
    scheme: str, rest: str, environ: Mapping[str, str], exists: Callable[[str], bool]
) -> PostgresUrl:
    """Read a URL in two pieces, its scheme and what follows the colon.

    `environ` are the environment variables, after which the URL goes; `exists` tells
    whether there is a file, to find the server's socket.

    Raises:
        ConfigurationError: The URL is malformed; no message shows a part of a password.
    """
    parts = split_parts(rest)
    given = _before_query(parts)
    query, warnings = read_parameters(parts.query)
    given = _with_environment(given | query, environ, exists)
    hosts = _take_hosts(given, environ)
    user, password = given.pop("user", None), given.pop("password", None)
    dbname, pooled = given.pop("dbname", None), given.pop("pooled", None)
    return PostgresUrl(
        hosts=hosts,
        user=user,
        password=password,
        dbname=dbname,
        database=dbname or environ.get("PGDATABASE") or _user_name(user, environ),
        parameters=tuple(given.items()),
        pooled=None if pooled is None else pooled == "true",
        warnings=(*doubts(parts), *warnings),
        redacted=redacted_url(scheme, parts, SECRETS),
        secrets=collect_secrets(parts, SECRETS, [environ.get("PGPASSWORD", "")]),
    )


def _before_query(parts: Parts) -> dict[str, str]:
    """Read the user, the servers and the database, each when it is there."""
    user, _, password = (parts.userinfo or "").partition(":")
    servers = _servers(parts)
    refuse_odd_paths(parts, EXAMPLE)
    ports = [port for _, port in servers]
    read = {
        "host": ",".join(name for name, _ in servers),
        "port": ",".join(ports) if any(ports) else "",
        "user": decode(user, "user name"),
        "password": decode(password, "password"),
        "dbname": decode(parts.path.lstrip("/"), "database name"),
    }
    return {name: value for name, value in read.items() if value}


def _servers(parts: Parts) -> list[tuple[str, str]]:
    """Read the names and ports of the servers; a user without a server is refused."""
    if not parts.hosts and parts.userinfo is None:
        return []
    return [_server(written) for written in (parts.hosts or "").split(",")]


def _server(written: str) -> tuple[str, str]:
    name, port = read_server(written, EXAMPLE, _SOCKET_EXAMPLE)
    return decode(name, "host"), port


def _with_environment(
    given: dict[str, str], environ: Mapping[str, str], exists: Callable[[str], bool]
) -> dict[str, str]:
    """Add what the environment decides otherwise here than it does in libpq."""
    added = {}
    mode = environ.get("PGSSLMODE", "")
    known_mode = ssl_mode(mode)
    if "sslmode" not in given and known_mode and known_mode != mode:
        added["sslmode"] = known_mode
    if "options" in given and environ.get("PGOPTIONS"):
        added["options"] = f"{environ['PGOPTIONS']} {given['options']}"
    if "host" in given and "hostaddr" not in given and environ.get("PGHOSTADDR"):
        added["hostaddr"] = ""  # libpq asks no variable for a keyword that is empty.
    if not _is_server_known(given, environ):
        added["host"] = _default_host(given.get("port") or _pgport(environ), exists)
    return _with_primary(given | added, environ)


def _is_server_known(given: dict[str, str], environ: Mapping[str, str]) -> bool:
    variables = ("PGHOST", "PGHOSTADDR", "PGSERVICE")
    return bool(given.keys() & {"host", "hostaddr", "service"}) or any(
        environ.get(variable) for variable in variables
    )


def _default_host(port: str, exists: Callable[[str], bool]) -> str:
    for directory in _SOCKET_DIRECTORIES:
        if exists(f"{directory}/.s.PGSQL.{port}"):
            return directory
    return "localhost"


def _pgport(environ: Mapping[str, str]) -> str:
    port = environ.get("PGPORT", "")
    return port if re.fullmatch("[0-9]{1,5}", port) else _DEFAULT_PORT


def _with_primary(given: dict[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Ask for a server that accepts writes where there are several to try."""
    servers = given.get("host") or given.get("hostaddr") or environ.get("PGHOST", "")
    if "," not in servers or environ.get("PGTARGETSESSIONATTRS"):
        return given
    return {"target_session_attrs": "read-write"} | given


def _take_hosts(given: dict[str, str], environ: Mapping[str, str]) -> tuple[Host, ...]:
    """Move the servers out of `given`; without a host, a port stays for libpq."""
    for address in given.get("hostaddr", "").split(","):
        if address and not is_address(address):
            raise refused(
                "invalid IP address syntax",
                "a hostaddr is an address, 192.0.2.1; a name is written as host",
            )
    ports = [read_port(port, EXAMPLE) for port in given.get("port", "").split(",")]
    if "host" not in given:
        return ()
    names = given.pop("host").split(",")
    given.pop("port", None)
    if len(ports) == 1:
        ports *= len(names)
    if len(ports) != len(names):
        raise refused(
            f"{len(ports)} ports for {len(names)} hosts",
            "give one port for all hosts, or one for each",
        )
    if any(ports):  # libpq takes 5432 for a port left away among others, never PGPORT.
        ports = [port or _pgport(environ) for port in ports]
    return tuple(
        Host(name, int(port) if port else None)
        for name, port in zip(names, ports, strict=True)
    )


def _user_name(user: str | None, environ: Mapping[str, str]) -> str:
    """Find the user as libpq does: the URL's, `PGUSER`'s, the process's account."""
    named = user or environ.get("PGUSER")
    if named:
        return named
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, KeyError):
        return environ.get("USERNAME", "unknown")
