"""PostgreSQL's URLs: what is read, and what libpq gets."""

from __future__ import annotations

import os
import pwd
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlx.config.grammar import encode
from sqlx.config.url import Host, PostgresUrl, parse_url
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_ENVIRONMENT: Mapping[str, str] = {}
SOCKETS = {"/tmp/.s.PGSQL.5432", "/tmp/.s.PGSQL.5433"}  # noqa: S108 - no file is made.
MENDS = {
    "encoding": (
        "in a user name or a password write % as %25, @ as %40, : as %3A, / as %2F, "
        "? as %3F and # as %23"
    ),
    "right": "postgres://user:password@host:5432/database",
}

# Any text that can be a password: no NUL, at which libpq would cut it.
PASSWORDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)


def read(url: str, environ: Mapping[str, str] = NO_ENVIRONMENT) -> PostgresUrl:
    """Parse a URL on a machine without a server's socket."""
    parsed = parse_url(url, environ, exists=lambda _path: False)
    assert isinstance(parsed, PostgresUrl)
    return parsed


def keywords(url: str, environ: Mapping[str, str] = NO_ENVIRONMENT) -> dict[str, str]:
    """Give what libpq gets for a URL."""
    return read(url, environ).keywords()


def refusal(url: str) -> str:
    """Give the message with which a URL is refused."""
    with pytest.raises(ConfigurationError) as caught:
        read(url)
    return str(caught.value)


def test_every_part_becomes_its_field() -> None:
    """User, password, servers, database and parameters are read."""
    url = read("postgresql://u%2B:p%20w@db.example:6432/my%20app?application_name=a+b")
    assert url == PostgresUrl(
        hosts=(Host("db.example", 6432),),
        user="u+",
        password="p w",  # noqa: S106 - a password of this test.
        dbname="my app",
        database="my app",
        parameters=(("application_name", "a b"),),
        pooled=None,
        warnings=(),
        redacted="postgresql://u%2B:***@db.example:6432/my%20app?application_name=a+b",
        secrets=("p w", "p%20w"),
    )
    assert url.keywords() == {
        "host": "db.example",
        "port": "6432",
        "user": "u+",
        "password": "p w",
        "dbname": "my app",
        "application_name": "a b",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # SQLx's own tests, sqlx-postgres/src/options/parse.rs.
        ("postgres:///?host=/var/run/postgres/", {"host": "/var/run/postgres/"}),
        ("postgres:///?host=google.database.com", {"host": "google.database.com"}),
        ("postgres:///?hostaddr=8.8.8.8", {"hostaddr": "8.8.8.8"}),
        ("postgres:///?port=1234", {"host": "localhost", "port": "1234"}),
        ("postgres:///?dbname=some_db", {"host": "localhost", "dbname": "some_db"}),
        ("postgres:///?user=some_user", {"host": "localhost", "user": "some_user"}),
        ("postgres:///?password=some", {"host": "localhost", "password": "some"}),
        (
            "postgres:///?application_name=some_name",
            {"host": "localhost", "application_name": "some_name"},
        ),
        (
            "postgres://user@hostname:password@hostname:5432/database",
            {
                "host": "hostname",
                "port": "5432",
                "user": "user@hostname",
                "password": "password",
                "dbname": "database",
            },
        ),
        (
            "postgres://username:p@ssw0rd@hostname:5432/database",
            {
                "host": "hostname",
                "port": "5432",
                "user": "username",
                "password": "p@ssw0rd",
                "dbname": "database",
            },
        ),
        (
            "postgres://some_user@%2Fvar%2Flib%2Fpostgres/database",
            {"host": "/var/lib/postgres", "user": "some_user", "dbname": "database"},
        ),
        (
            "postgres:///?options=-c%20synchronous_commit%3Doff%20--search_path%3Dpg",
            {
                "host": "localhost",
                "options": "-c synchronous_commit=off --search_path=pg",
            },
        ),
        (
            "postgres:///?options[synchronous_commit]=off&options[search_path]=pg",
            {
                "host": "localhost",
                "options": "-c synchronous_commit=off -c search_path=pg",
            },
        ),
        (
            r"postgres://h?options[application_name]=/back\slash/%20and\%20spaces",
            {
                "host": "h",
                "options": r"-c application_name=/back\\slash/\ and\\\ spaces",
            },
        ),
        # The rest of spec §9.1.
        ("postgres://", {"host": "localhost"}),
        ("postgres:", {"host": "localhost"}),
        ("POSTGRES:/app", {"host": "localhost", "dbname": "app"}),
        ("postgres://h//app", {"host": "h", "dbname": "app"}),
        ("postgres://h:/app", {"host": "h", "dbname": "app"}),
        ("postgres://h:05432", {"host": "h", "port": "5432"}),
        ("postgres://@h", {"host": "h"}),
        ("postgres://u:@h", {"host": "h", "user": "u"}),
        ("postgres://:p@h", {"host": "h", "password": "p"}),
        (" \n\tpostgres://h/a\npp \n", {"host": "h", "dbname": "app"}),
        ("postgres://[::1]:6432/app", {"host": "::1", "port": "6432", "dbname": "app"}),
        ("postgres://[fe80::1%25eth0]", {"host": "fe80::1%eth0"}),
        ("postgres://h%2Dx", {"host": "h-x"}),
        (
            "postgres://u:p@x:1/y?user=v&password=q&host=h&port=2&dbname=d",
            {
                "host": "h",
                "port": "2",
                "user": "v",
                "password": "q",
                "dbname": "d",
            },
        ),
        ("postgres://x:1?host=h", {"host": "h", "port": "1"}),
        ("postgres://h?user=me@azure", {"host": "h", "user": "me@azure"}),
        ("postgres://h?sslmode=Verify-Full", {"host": "h", "sslmode": "verify-full"}),
        ("postgres://h?ssl-mode=allow", {"host": "h", "sslmode": "disable"}),
        (
            "postgres://h?ssl-root-cert=a&ssl-cert=b&ssl-key=c",
            {"host": "h", "sslrootcert": "a", "sslcert": "b", "sslkey": "c"},
        ),
        ("postgres://h?ssl-ca=a", {"host": "h", "sslrootcert": "a"}),
        ("postgres://h?statement-cache-capacity=5", {"host": "h"}),
        ("postgres://h?&application_name=&&", {"host": "h"}),
        (
            "postgres://h?connect_timeout=5&passfile=/p&target_session_attrs=Any",
            {
                "host": "h",
                "connect_timeout": "5",
                "passfile": "/p",
                "target_session_attrs": "any",
            },
        ),
        ("postgres:///?service=app", {"service": "app"}),
    ],
)
def test_libpq_gets_what_sqlx_reads(url: str, expected: dict[str, str]) -> None:
    """Each form of a URL gives the same connection as in SQLx."""
    assert keywords(url) == expected


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgres://u:p@a:1,b:2/d", (Host("a", 1), Host("b", 2))),
        ("postgres://a,b:2", (Host("a", 5432), Host("b", 2))),
        ("postgres://a,b", (Host("a", None), Host("b", None))),
        ("postgres://a,b?port=7", (Host("a", 7), Host("b", 7))),
        ("postgres:///?host=a,/run/pg&port=1,2", (Host("a", 1), Host("/run/pg", 2))),
        ("postgres://[::1]:1,%2Frun:2", (Host("::1", 1), Host("/run", 2))),
    ],
)
def test_several_hosts(url: str, hosts: tuple[Host, ...]) -> None:
    """Several hosts are tried in order, and the first that accepts writes is taken."""
    assert read(url).hosts == hosts
    assert keywords(url)["host"] == ",".join(host.name for host in hosts)
    assert keywords(url)["target_session_attrs"] == "read-write"


def test_ports_of_several_hosts_are_joined() -> None:
    """A port is given for each host, or for none."""
    assert keywords("postgres://a:1,b:2")["port"] == "1,2"
    assert keywords("postgres://a,b:2", {"PGPORT": "6000"})["port"] == "6000,2"
    assert keywords("postgres://a,b:2", {"PGPORT": "x"})["port"] == "5432,2"
    assert "port" not in keywords("postgres://a,b")


def test_the_kind_of_server_can_be_chosen() -> None:
    """The URL and libpq's variable go before our choice among several hosts."""
    url = "postgres://a,b"
    assert keywords(f"{url}?target_session_attrs=standby") == {
        "host": "a,b",
        "target_session_attrs": "standby",
    }
    assert keywords(url, {"PGTARGETSESSIONATTRS": "any"}) == {"host": "a,b"}
    assert keywords("postgres:", {"PGHOST": "a,b"}) == {
        "target_session_attrs": "read-write"
    }


def test_the_default_host_is_a_socket_that_exists() -> None:
    """Without any host it is a directory with the server's socket, else localhost."""

    def host(url: str, environ: Mapping[str, str] = NO_ENVIRONMENT) -> str | None:
        parsed = parse_url(url, environ, exists=SOCKETS.__contains__)
        assert isinstance(parsed, PostgresUrl)
        return parsed.keywords().get("host")

    assert host("postgres:///app") == "/tmp"  # noqa: S108 - the directory of sockets.
    assert host("postgres:///app?port=5433") == "/tmp"  # noqa: S108 - the same.
    assert host("postgres:///app", {"PGPORT": "5434"}) == "localhost"
    assert host("postgres:///app?port=5434") == "localhost"
    assert host("postgres:///app", {"PGHOST": "h"}) is None
    assert host("postgres:///app", {"PGHOSTADDR": "192.0.2.1"}) is None
    assert host("postgres:///app", {"PGSERVICE": "s"}) is None
    assert host("postgres:///app?hostaddr=192.0.2.1") is None


def test_the_environment_is_libpqs_where_the_url_says_nothing() -> None:
    """Variables that libpq reads as SQLx does are left to it."""
    environ = {
        "PGHOST": "h",
        "PGPORT": "6432",
        "PGUSER": "u",
        "PGPASSWORD": "secret",
        "PGDATABASE": "d",
        "PGSSLMODE": "require",
        "PGAPPNAME": "a",
        "PGOPTIONS": "-c geqo=off",
    }
    assert keywords("postgres:", environ) == {}
    assert keywords("postgres:///?port=1", environ) == {"port": "1"}


def test_the_environment_where_sqlx_differs_from_libpq() -> None:
    """SQLx's rule holds for an address, options and the case of a mode."""
    assert keywords("postgres://h", {"PGHOSTADDR": "192.0.2.1"}) == {
        "host": "h",
        "hostaddr": "",
    }
    assert keywords("postgres://h?hostaddr=::1", {"PGHOSTADDR": "192.0.2.1"}) == {
        "host": "h",
        "hostaddr": "::1",
    }
    assert keywords("postgres://h?options=-b", {"PGOPTIONS": "-a"}) == {
        "host": "h",
        "options": "-a -b",
    }
    assert keywords("postgres://h", {"PGSSLMODE": "REQUIRE"}) == {
        "host": "h",
        "sslmode": "require",
    }
    assert keywords("postgres://h", {"PGSSLMODE": "nonsense"}) == {"host": "h"}
    assert keywords("postgres://h?sslmode=prefer", {"PGSSLMODE": "ALLOW"}) == {
        "host": "h",
        "sslmode": "prefer",
    }


def test_the_database_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the URL's, else PGDATABASE, else the one with the user's name."""
    environ = {"PGDATABASE": "d", "PGUSER": "u"}
    assert read("postgres://v@h/app", environ).database == "app"
    assert read("postgres://v@h", environ).database == "d"
    assert read("postgres://v@h", {"PGUSER": "u"}).database == "v"
    assert read("postgres://h", {"PGUSER": "u"}).database == "u"
    account = pwd.getpwuid(os.geteuid()).pw_name
    assert read("postgres://h", {"USERNAME": "x"}).database == account
    monkeypatch.setitem(sys.modules, "pwd", None)  # As on Windows.
    assert read("postgres://h", {"USERNAME": "x"}).database == "x"
    assert read("postgres://h").database == "unknown"
    assert read("postgres://h").dbname is None


def test_another_database_on_the_same_server() -> None:
    """Only the database changes, in the fields and in the text for messages."""
    url = read("postgres://u:pw@h:1/app?db%6Eame=x&sslmode=require")
    other = url.with_database("a/b")
    assert other.keywords() == url.keywords() | {"dbname": "a/b"}
    assert other.database == "a/b"
    assert other.redacted == "postgres://u:***@h:1/a%2Fb?sslmode=require"
    assert read("postgres://h").with_database("d").redacted == "postgres://h/d"


@pytest.mark.parametrize(
    ("value", "pooled"), [("true", True), ("false", False), ("TRUE", True)]
)
def test_a_pooler_in_between_can_be_named(value: str, *, pooled: bool) -> None:
    """`pooled` is ours: libpq never sees it."""
    url = read(f"postgres://h?pooled={value}")
    assert url.pooled is pooled
    assert url.keywords() == {"host": "h"}


def test_what_has_no_effect_is_a_warning() -> None:
    """SQLx passes over unknown parameters, fragments and half escapes; we say so."""
    url = read("postgres://u:100%@h/d?nope=S3cret&client_encoding=x&options[a=b#rest")
    assert url.password == "100%"  # noqa: S105 - a password of this test.
    mend = "correct its spelling or remove it"
    assert url.warnings == (
        "a `%` that begins no escape stands for itself; write it as %25",
        "ignoring what follows the `#`; if it is meant, write it as %23",
        f'ignoring unrecognized connect parameter "nope"; {mend}',
        f'ignoring unrecognized connect parameter "client_encoding"; {mend}',
        f'ignoring unrecognized connect parameter "options[a"; {mend}',
    )
    assert url.keywords() == {
        "host": "h",
        "user": "u",
        "password": "100%",
        "dbname": "d",
    }


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "postgres://u:p@/d",
            (
                "empty host; name the host after the @: {right}, or for a socket its "
                "directory: postgres://user:password@%2Fvar%2Frun%2Fpostgresql/database"
            ),
        ),
        (
            "postgres://h:1x/d",
            (
                "invalid port number; a port is a number from 1 to 65535: {right}; "
                "{encoding}"
            ),
        ),
        (
            "postgres://u:p@h h/d",
            (
                r"invalid domain character; a host holds no space and none of "
                r"< > [ ] \ ^ |; {encoding}"
            ),
        ),
        (
            "postgres://[::g]/d",
            "invalid IPv6 address; a right one is [2001:db8::1]",
        ),
        ("postgres:u:p@h/d", "no `//` after the scheme; a right URL is {right}"),
        (
            "postgres://u:1/2@h/d",
            "a `/`, `?` or `#` stands before an `@`; {encoding}",
        ),
        (
            'postgres://h?sslmode="foo',
            (
                r'unknown value "\"foo" for `ssl_mode`; choose one of disable, allow, '
                "prefer, require, verify-ca, verify-full"
            ),
        ),
        (
            "postgres://h?pooled=maybe",
            'unknown value "maybe" for `pooled`; choose one of true, false',
        ),
        (
            "postgres://h?hostaddr=h",
            (
                "invalid IP address syntax; a hostaddr is an address, 192.0.2.1; "
                "a name is written as host"
            ),
        ),
        (
            "postgres://a,b,c?port=1,2",
            "2 ports for 3 hosts; give one port for all hosts, or one for each",
        ),
        (
            "postgres://u:p%FFw@h/d",
            (
                "invalid utf-8 sequence of 1 bytes from index 1; the password is to be "
                "UTF-8, percent-encoded: é is %C3%A9"
            ),
        ),
        (
            "postgres://u:p%00w@h/d",
            "the password holds a NUL byte; take the %00 out",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_right(url: str, message: str) -> None:
    """SQLx's words come first, then the mend."""
    assert refusal(url) == f"error with configuration: {message.format(**MENDS)}"


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:1/2@h/d",
        "postgres://u:1#2@h/d",
        "postgres://u:1?2@h/d",
        "postgres://u:1?x=2@h/d",
        "postgres://u:1?sslmode=2@h/d",
        "postgres:///u:1@h/d",
        "postgres:/u:1@h/d",
    ],
)
def test_an_at_sign_after_the_host_means_an_unencoded_password(url: str) -> None:
    """SQLx would connect to the user's name, with the password's start as the port."""
    encoding = MENDS["encoding"]
    assert refusal(url) == (
        f"error with configuration: a `/`, `?` or `#` stands before an `@`; {encoding}"
    )


@pytest.mark.parametrize(
    "url",
    [
        *("postgres://h:0", "postgres://h:65536", "postgres://h:99999999999/d"),
        *("postgres://h:-1", "postgres://h:\uff11", "postgres:///?port=1,x"),
        "postgres://u:p@h:1:2/d",
    ],
)
def test_a_port_is_a_number_that_can_be_one(url: str) -> None:
    """Zero, more than 65535 and anything but ASCII digits are refused."""
    assert refusal(url).startswith("error with configuration: invalid port number; ")


@pytest.mark.parametrize(
    "url",
    [
        "postgres://@/d",
        "postgres://:1/d",
        "postgres://a,,b/d",
        "postgres://u@",
        "postgres://:@",
    ],
)
def test_a_host_that_is_missing(url: str) -> None:
    """A user or a port without a host is refused, as in SQLx."""
    assert refusal(url).startswith("error with configuration: empty host; ")


@pytest.mark.parametrize(
    "url", ["postgres://[::1", "postgres://[::1]x", "postgres://[]", "postgres://[h]"]
)
def test_brackets_hold_an_address(url: str) -> None:
    """What stands in brackets is an IPv6 address, and a port alone may follow."""
    assert refusal(url).startswith("error with configuration: invalid IPv6 address; ")


@given(PASSWORDS)
@example("@:/%#?&='\" \\+é")
def test_any_password_arrives_percent_encoded(password: str) -> None:
    """A password that is percent-encoded arrives as it is, and shows nowhere else."""
    url = read(f"postgres://user:{encode(password)}@host:5432/app")
    assert url.keywords() == {
        "host": "host",
        "port": "5432",
        "user": "user",
        "password": password,
        "dbname": "app",
    }
    assert url.warnings == ()
    assert url.redacted == "postgres://user:***@host:5432/app"
    assert read(f"postgres://h?password={encode(password)}").password == password
