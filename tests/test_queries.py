"""smally's SQL is checked queries, and what was checked is committed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SQLX = Path(sys.executable).with_name("sqlx")
# What SQL begins with, at the beginning of a string.
STATEMENT = re.compile(
    r"""["']\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|TRUNCATE|CREATE|ALTER|DROP)\s"""
)


def sqlx(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command at the repository's root."""
    return subprocess.run(
        [SQLX, *words],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_the_queries_are_right_offline() -> None:
    """The committed `.sqlx/` fits queries and migrations; no connection is opened."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        url = f"postgres://nobody@127.0.0.1:{listening.getsockname()[1]}/none"
        done = sqlx("check", SQLX_OFFLINE="true", DATABASE_URL=url)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.slow
def test_the_cache_is_what_prepare_would_write(tmp_path: Path) -> None:
    """Asked of a scratch database that the migrations make."""
    place = {"SQLX_OFFLINE_DIR": "", "XDG_CACHE_HOME": str(tmp_path)}
    done = sqlx("prepare", "--check", "--scratch", "postgres", **place)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_sql_stands_in_the_store_only() -> None:
    """As checked queries: there is none in the rest of the service."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "src/smally").rglob("*.py"))
        if path.parent.name != "store" and STATEMENT.search(path.read_text("utf-8"))
    ]
    assert found == []
