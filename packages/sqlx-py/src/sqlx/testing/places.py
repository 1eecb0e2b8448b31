"""Where the test databases are: the server that is configured, or one of one's own."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from sqlx.config.parameters import SECRETS
from sqlx.config.url import (
    EmbeddedUrl,
    MySqlUrl,
    PostgresUrl,
    SqliteUrl,
    parse_url,
)
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlx.config.url import DatabaseUrl

__all__ = [
    "SETTINGS",
    "SecretUrl",
    "configured",
    "embedded_folder",
    "mysql_url_of",
    "place",
    "url_of",
]

# Nothing of a test server outlives the machine, so nothing waits for a disk. A session
# has a few connections for each of its processes. Its log lies in memory too, and every
# clone makes checkpoints.
SETTINGS: Mapping[str, str] = {
    "autovacuum": "off",
    "fsync": "off",
    "log_checkpoints": "off",
    "max_connections": "300",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
}
MEMORY = "/dev/shm"  # noqa: S108 -- what is made there is checked.
NO_SERVER = (
    "database {0!r}: there is no embedded one; name a server, as in "
    "database='mysql://user:password@host'"
)
ENOUGH_BYTES = 1 << 30  # containers give 64 MB, too little for a server


class SecretUrl(str):
    """A URL whose `repr` shows no password: pytest prints the arguments of a test."""

    __slots__ = ("shown",)
    shown: str

    def __new__(cls, url: str, shown: str) -> Self:
        """Make the text `url`, shown as `shown`."""
        made = super().__new__(cls, url)
        made.shown = shown
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # str has one.
        """Let it be copied, and sent to another process."""
        return str(self), self.shown

    def __repr__(self) -> str:
        return repr(self.shown)


def configured(ini: str, root: str, environ: Mapping[str, str]) -> str:
    """Choose the server: pytest's `sqlx_database`, else the URL that SQLx would take.

    Args:
        ini: The value of `sqlx_database`; empty for none.
        root: The project's folder, for `sqlx.toml` and `.env`.
        environ: The environment variables.

    Returns:
        A URL or a kind; empty for an embedded server.
    """
    from sqlx.config.dotenv import load_dotenv
    from sqlx.config.settings import settings_in

    if ini:
        return ini
    variable = settings_in(root).database_url_var
    found = environ.get(variable) or load_dotenv(root, environ).values.get(variable, "")
    # A developer's embedded server is on a disk; ours is in memory, and has the same
    # binaries.
    return "" if _scheme(found) == "embedded" else found


def place(wanted: str, usual: str) -> DatabaseUrl:
    """Read what a test or the configuration calls a database.

    Args:
        wanted: A URL or `postgres`, `embedded`, `mysql`, `mariadb` or `sqlite`; empty
            for what is usual.
        usual: What is configured; empty for an embedded server.

    Raises:
        ConfigurationError: It is none of these.
    """
    match wanted or usual:
        case "" | "embedded":
            return EmbeddedUrl(embedded_folder(), "postgres", "embedded")
        case "sqlite":
            return SqliteUrl("", "sqlite")
        case "postgres" | "postgresql":
            if _scheme(usual) in {"postgres", "postgresql", "embedded"}:
                return place(usual, "")
            return place("embedded", "")
        case "mysql" | "mariadb" as kind:
            if _scheme(usual) in {"mysql", "mariadb"}:
                return parse_url(usual, os.environ)
            raise ConfigurationError(NO_SERVER.format(kind))
        case url if ":" in url:
            return parse_url(url, os.environ)
        case other:
            raise ConfigurationError(
                f"database {other!r}: it is a URL, 'postgres', 'embedded' or 'sqlite'"
            )


def _scheme(url: str) -> str:
    """Give what stands before a URL's colon; empty for what is none."""
    scheme, colon, _ = url.strip().partition(":")
    return scheme.lower() if colon else ""


def embedded_folder() -> str:
    """Find the folder of this user's test server: in memory where there is room.

    Raises:
        ConfigurationError: Somebody else has made it.
    """
    from sqlx.describing import cache_folder
    from sqlx.embedded.folder import MAJOR

    folder = os.path.join(MEMORY, f"sqlx-py-test-{_user()}-{MAJOR}")
    if not os.path.lexists(folder):
        if not _roomy(MEMORY):
            return cache_folder(f"test-{MAJOR}")
        with suppress(FileExistsError):  # Two begin at once.
            os.mkdir(folder, mode=0o700)
    found = os.lstat(folder)
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == _user()
    if not is_ours or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{folder}, where the test server would lie, is somebody else's or open to "
            "others; remove it, or set a database URL"
        )
    return folder


def _roomy(folder: str) -> bool:
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        return False
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize > ENOUGH_BYTES


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


def url_of(keywords: Mapping[str, str]) -> str:
    """Write libpq's keywords as a URL, which does not show its password by itself."""
    url = _write(keywords)
    stars = {name: "***" for name in SECRETS if keywords.get(name)}
    return SecretUrl(url, _write({**keywords, **stars})) if stars else url


def _write(keywords: Mapping[str, str]) -> str:
    left = dict(keywords)
    name, host, server = left.pop("dbname"), left.get("host", ""), ""
    if host and not set(host) & set("/,:"):
        user, password = left.pop("user", ""), left.pop("password", "")
        server = _encoded(user) + (f":{_encoded(password)}" if password else "")
        server += ("@" if server else "") + left.pop("host")
        server += f":{left.pop('port')}" if "port" in left else ""
    query = "&".join(f"{key}={_encoded(value, '/*')}" for key, value in left.items())
    return f"postgresql://{server}/{_encoded(name)}" + (f"?{query}" if query else "")


def mysql_url_of(url: MySqlUrl) -> str:
    """Write a URL of MySQL, which does not show its password by itself."""
    scheme = url.redacted.partition(":")[0]
    host = f"[{url.host}]" if ":" in url.host else url.host
    password = f":{_encoded(url.password)}" if url.password else ""
    server = f"{_encoded(url.user)}{password}@{host}:{url.port}"
    given = {
        "socket": url.socket,
        "ssl-mode": url.ssl_mode,
        "ssl-ca": url.ssl_ca,
        "ssl-cert": url.ssl_cert,
        "ssl-key": url.ssl_key,
        "charset": url.charset,
        "collation": url.collation,
        "timezone": url.time_zone or "none",
    }
    usual = {"ssl-mode": "preferred", "charset": "utf8mb4", "timezone": "+00:00"}
    query = "&".join(
        f"{key}={_encoded(value, '/')}"
        for key, value in given.items()
        if value and value != usual.get(key)
    )
    text = f"{scheme}://{server}/{_encoded(url.database)}" + (query and f"?{query}")
    return SecretUrl(text, url.redacted) if url.password else text


def _encoded(text: str, safe: str = "*") -> str:
    return quote(text, safe=safe)


def shown(url: DatabaseUrl) -> str:
    """Say where a server is, without a secret."""
    match url:
        case PostgresUrl() | MySqlUrl():
            return url.redacted.partition("?")[0]
        case EmbeddedUrl():
            return f"embedded:{url.path}"
        case SqliteUrl():
            return "SQLite"
