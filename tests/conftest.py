"""What the tests share: empty databases, on a server of their own."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from service import Smally

import sqlx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Keywords: TypeAlias = dict[str, str]

MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder in it.


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[[str], Keywords]]:
    """Start an embedded PostgreSQL; give libpq's keywords for a database of it."""
    place = MEMORY if MEMORY.is_dir() else None
    with (
        TemporaryDirectory(prefix="smally-", dir=place) as folder,
        sqlx.start_embedded(folder, settings={"fsync": "off"}) as running,
    ):
        yield running.keywords


@pytest.fixture(scope="session")
def new_database(server: Callable[[str], Keywords]) -> Callable[[], Keywords]:
    """Give a function that creates an empty database, which goes with the server."""
    numbers = count(1)

    def create() -> Keywords:
        name = f"test_{next(numbers)}"
        conninfo = make_conninfo(**server("postgres"))
        with psycopg.connect(conninfo, autocommit=True) as connection:
            # Copied file by file: in memory a third of the time of the default.
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy".encode()
            )
        return server(name)

    return create


@pytest.fixture
def database(new_database: Callable[[], Keywords]) -> Keywords:
    """Create an empty database for one test."""
    return new_database()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Smally]]:
    """Start services in an empty directory; kill what a failed test leaves."""
    with ExitStack() as stack:

        def start_one(*options: str, **environ: str) -> Smally:
            smally = Smally(tmp_path, environ, options)
            stack.callback(smally.process.wait)
            stack.callback(smally.process.kill)
            return smally

        yield start_one


@pytest.fixture
def public() -> Iterator[Path]:
    """Make a folder that every account can reach, as pytest's are not."""
    with TemporaryDirectory(prefix="smally-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
