"""A password appears nowhere, and nobody can slip a lock of theirs under ours."""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from typing import TYPE_CHECKING

import pytest
from faults.laws import MIXED, complete, holders, put
from faults.starters import Starter, migrate

import sqlx
from sqlx.cli.main import main
from sqlx.databases.postgres.advisory import lock_key

if TYPE_CHECKING:
    from pathlib import Path

    from faults.servers import Database

# Nothing listens on port 1; no name is looked up.
URLS = [
    "postgres://u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd/x@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd#x@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd?x@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd@x@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd:x@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd%zz@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd%00@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd%ff@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd x@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd\\'x@127.0.0.1:1/d",
    "postgres://u:S3cr3tPassw0rd@127.0.0.1:port/d",
    "postgres://u:S3cr3tPassw0rd@127.0.0.1:99999/d",
    "postgres://u:S3cr3tPassw0rd@[::1/d",
    "postgres://u:S3cr3tPassw0rd@/d?host=/nowhere",
    "postgres://u:S3cr3tPassw0rd@127.0.0.1:1/d?sslmode=wrong",
    "postgres://u:S3cr3tPassw0rd@127.0.0.1:1/d?nonsense=1",
    "postgres://127.0.0.1:1/d?user=u&password=S3cr3tPassw0rd&port=x",
    "postgresql+psycopg://u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "mysql://u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "mysql://u:S3cr3tPassw0rd\u20ac@127.0.0.1:1/d?ssl-mode=disabled",
    "mysql://u:S3cr3tPassw0rd@localhost/d?socket=/nowhere",
    "mysql://u:S3cr3tPassw0rd@127.0.0.1:1/d?charset=wrong",
    "mysql://u:S3cr3tPassw0rd@127.0.0.1:1/d?ssl-mode=verify_ca&ssl-ca=/nowhere",
    "mysql+pymysql://u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "redis://u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "//u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "postgres:/u:S3cr3tPassw0rd@127.0.0.1:1/d",
    "host=127.0.0.1 port=1 user=u password=S3cr3tPassw0rd",
]
VERBS = [
    ["migrate", "run"],
    ["migrate", "revert"],
    ["migrate", "info"],
    ["migrate", "check"],
    ["database", "create"],
    ["database", "drop", "-y"],
    ["database", "setup"],
    ["database", "reset", "-y"],
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize("url", URLS)
def test_the_command_tells_no_password(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    verb: list[str],
) -> None:
    """Whatever is wrong with a URL, no output shows a part of its password (X1)."""
    put(tmp_path / "migrations", MIXED)
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.NOTSET)
    status = main([*verb, "--database-url", url, "--connect-timeout", "0"])
    output = "".join(capfd.readouterr()) + caplog.text
    assert status in {1, 2}
    assert re.search("^error: ", output, re.MULTILINE)
    tells_nothing(output)


def tells_nothing(output: str) -> None:
    """Assert that there is neither a part of the password nor a traceback."""
    assert "S3cr3t" not in output
    assert "Passw0rd" not in output
    assert "Traceback" not in output


@pytest.mark.parametrize("url", URLS)
def test_the_library_tells_no_password(tmp_path: Path, url: str) -> None:
    """No exception, nor its traceback, shows a part of a URL's password (X1)."""
    directory = put(tmp_path / "m", MIXED)
    with pytest.raises(sqlx.SqlxError) as caught:
        sqlx.Migrator(directory, connect_timeout_seconds=0).run(url)
    with pytest.raises(sqlx.SqlxError) as awaited:  # noqa: PT012 -- both must raise the same.
        migrator = sqlx.AsyncMigrator(directory, connect_timeout_seconds=0)
        asyncio.run(migrator.run(url))
    for error in (caught.value, awaited.value):
        shown = "".join(traceback.format_exception(error))
        tells_nothing(shown.replace("Traceback", "") + repr(error))


PLANTED = """
CREATE FUNCTION public.pg_try_advisory_lock(bigint) RETURNS boolean
LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.pg_try_advisory_xact_lock(bigint) RETURNS boolean
LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.pg_backend_pid() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.current_database() RETURNS name LANGUAGE sql AS $$SELECT 'x'$$;
CREATE FUNCTION public.wrong(bigint, bigint) RETURNS boolean
LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = wrong);
CREATE FUNCTION public.wrong(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR public.= (LEFTARG = int, RIGHTARG = int, FUNCTION = wrong);
"""


def test_functions_of_others_are_not_called(database: Database, tmp_path: Path) -> None:
    """A planted function or operator, first in the path, does not lock for us (X5)."""
    database.ask(PLANTED)
    database.ask(f"ALTER DATABASE {database.name} SET search_path = public, pg_catalog")
    with database.connect() as rust:
        rust.execute(
            f"SELECT pg_catalog.pg_advisory_lock({lock_key(database.name)})".encode()
        )
        starter = Starter(migrate(database.url, put(tmp_path / "m", MIXED)))
        assert f"held by pid {rust.info.backend_pid}, " in starter.hear()
    assert starter.outcome().applied == (1, 2, 3, 4)
    database.ask(f"ALTER DATABASE {database.name} RESET search_path")
    complete(database)
    assert holders(database) == []
