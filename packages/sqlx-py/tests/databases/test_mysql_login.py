"""MySQL's own way to log in: caching_sha2_password, with TLS and without."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import mysql_server
import pytest
from support import new_folder

import sqlx
from sqlx.config.url import MySqlUrl, parse_url
from sqlx.databases.mysql.connect import Place, connect
from sqlx.databases.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mysql_server import Server

pytestmark = pytest.mark.slow
PASSWORD = "p''ä:s/s"  # noqa: S105 -- as SQL writes it.
IN_URL = "p%27%C3%A4%3As%2Fs"


@pytest.fixture(scope="module")
def on_network() -> Iterator[tuple[Server, str]]:
    """Start a MySQL that listens on a port, with a user; give its URL, too."""
    mysql_server.need(mysql_server.MYSQL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = new_folder()
    listens = {"skip-networking": "OFF", "bind-address": "127.0.0.1", "port": str(port)}
    server = mysql_server.Server(folder, mysql_server.MYSQL, listens)
    server.ask("CREATE DATABASE app")
    server.ask(f"CREATE USER ada@'%' IDENTIFIED BY '{PASSWORD}'")
    server.ask("GRANT ALL ON app.* TO ada@'%'")
    yield server, f"mysql://ada:{IN_URL}@127.0.0.1:{port}/app"
    server.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("known", [False, True], ids=["first", "cached"])
@pytest.mark.parametrize(
    ("parameters", "encrypted"),
    [
        ("", True),
        ("?ssl-mode=disabled", False),
        ("?ssl-mode=required", True),
        ("?ssl-mode=verify_ca&ssl-ca={ca}", True),
    ],
    ids=["preferred", "disabled", "required", "verify_ca"],
)
def test_a_password_is_told_in_every_mode(
    on_network: tuple[Server, str], parameters: str, *, encrypted: bool, known: bool
) -> None:
    """The server may know it from before, or have it sent whole: by TLS or by RSA."""
    server, url = on_network
    if not known:
        server.ask("FLUSH PRIVILEGES")
    authority = server.folder / "data" / "ca.pem"
    place = parse_url(url + parameters.format(ca=authority), {})
    assert isinstance(place, MySqlUrl)
    with (
        connect(Place(place), Reach(10, lambda _: None)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        ((_, cipher),) = cursor.fetchall()
        assert bool(cipher) is encrypted


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("?ssl-mode=verify_identity&ssl-ca={ca}", "IP address mismatch, certificate "),
        ("?ssl-mode=verify_ca", "self-signed certificate in certificate chain"),
    ],
    ids=["verify_identity", "verify_ca"],
)
def test_a_certificate_that_proves_nothing_is_refused(
    on_network: tuple[Server, str], parameters: str, message: str
) -> None:
    """At once, since waiting would not help."""
    server, url = on_network
    authority = server.folder / "data" / "ca.pem"
    with pytest.raises(sqlx.ConnectionFailed) as caught:
        sqlx.Migrator(()).run(url + parameters.format(ca=authority))
    assert f"certificate verify failed: {message}" in str(caught.value)
