"""The URLs of MySQL and MariaDB: what is read, and what PyMySQL gets."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlx.config.grammar import encode
from sqlx.config.url import MySqlUrl, parse_url
from sqlx.errors import ConfigurationError

ENCODING = (
    "in a user name or a password write % as %25, @ as %40, : as %3A, / as %2F, "
    "? as %3F and # as %23"
)
RIGHT = "mysql://user:password@host:3306/database"
PASSWORDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)


def read(url: str) -> MySqlUrl:
    """Parse a URL; no environment variable matters."""
    parsed = parse_url(url, {"PGHOST": "x", "MYSQL_HOST": "x", "USER": "x"})
    assert isinstance(parsed, MySqlUrl)
    return parsed


def refusal(url: str) -> str:
    """Give the message with which a URL is refused."""
    with pytest.raises(ConfigurationError) as caught:
        read(url)
    return str(caught.value)


def test_every_part_becomes_its_field() -> None:
    """User, password, server, database and parameters are read."""
    url = read(
        "mariadb://u%2B:p%20w@db.example:3307/my%20app?socket=/run/my+sql.sock"
        "&ssl-mode=Verify_CA&ssl-ca=a&ssl-cert=b&ssl-key=c&charset=utf8mb3"
        "&collation=utf8mb3_bin&time-zone=%2B08:00&statement-cache-capacity=9"
    )
    assert url == MySqlUrl(
        user="u+",
        password="p w",  # noqa: S106 - a password of this test.
        host="db.example",
        port=3307,
        socket="/run/my sql.sock",
        database="my app",
        ssl_mode="verify_ca",
        ssl_ca="a",
        ssl_cert="b",
        ssl_key="c",
        charset="utf8mb3",
        collation="utf8mb3_bin",
        time_zone="+08:00",
        warnings=(),
        redacted=(
            "mariadb://u%2B:***@db.example:3307/my%20app?socket=/run/my+sql.sock"
            "&ssl-mode=Verify_CA&ssl-ca=a&ssl-cert=b&ssl-key=c&charset=utf8mb3"
            "&collation=utf8mb3_bin&time-zone=%2B08:00&statement-cache-capacity=9"
        ),
        secrets=("p w", "p%20w"),
    )
    assert url.keywords() == {
        "user": "u+",
        "password": "p w",
        "host": "db.example",
        "port": 3307,
        "unix_socket": "/run/my sql.sock",
        "database": "my app",
        "charset": "utf8mb3",
        "collation": "utf8mb3_bin",
    }


@pytest.mark.parametrize("url", ["mysql:", "mysql://", "MYSQL:///", "mariadb:/"])
def test_what_is_not_said_has_sqlxs_defaults(url: str) -> None:
    """It is root at localhost:3306, without a database, in utf8mb4 and UTC."""
    parsed = read(url)
    assert parsed.keywords() == {
        "user": "root",
        "host": "localhost",
        "port": 3306,
        "charset": "utf8mb4",
    }
    assert (parsed.ssl_mode, parsed.time_zone) == ("preferred", "+00:00")
    assert (parsed.ssl_ca, parsed.ssl_cert, parsed.ssl_key) == (None, None, None)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # SQLx's own tests, sqlx-mysql/src/options/parse.rs.
        (
            "mysql://user@hostname:password@hostname:5432/database",
            {
                "user": "user@hostname",
                "password": "password",
                "host": "hostname",
                "port": 5432,
                "database": "database",
            },
        ),
        (
            "mysql://username:p@ssw0rd@hostname:5432/database",
            {
                "user": "username",
                "password": "p@ssw0rd",
                "host": "hostname",
                "port": 5432,
                "database": "database",
            },
        ),
        # The rest of spec §9.2.
        ("mysql://h//app", {"host": "h", "database": "app"}),
        ("mysql://h:/app", {"host": "h", "database": "app"}),
        ("mysql://h:03307", {"host": "h", "port": 3307}),
        ("mysql://u:@h", {"host": "h", "user": "u"}),
        ("mysql://:p@h", {"host": "h", "password": "p"}),
        ("mysql://@h", {"host": "h"}),
        ("mysql://h%2Dx", {"host": "h%2Dx"}),
        ("mysql://[::1]:3307/app", {"host": "::1", "port": 3307, "database": "app"}),
        ("mysql:///app?socket=/s", {"database": "app", "unix_socket": "/s"}),
        ("mysql://h?socket=/s&socket=/t", {"host": "h", "unix_socket": "/t"}),
        ("mysql://h?socket=&charset=&collation=", {"host": "h"}),
        (" mysql://h/a\npp\t ", {"host": "h", "database": "app"}),
    ],
)
def test_pymysql_gets_what_sqlx_reads(url: str, expected: dict[str, str | int]) -> None:
    """Each form of a URL gives the same connection as in SQLx."""
    defaults = {"user": "root", "host": "localhost", "port": 3306, "charset": "utf8mb4"}
    assert read(url).keywords() == defaults | expected


@pytest.mark.parametrize("name", ["timezone", "time-zone"])
def test_the_time_zone_can_be_the_servers(name: str) -> None:
    """SQLx's `it_parses_timezone`: an offset is kept, and `none` sets none."""
    assert read(f"mysql://h?{name}=%2B08:00").time_zone == "+08:00"
    assert read(f"mysql://h?{name}=None").time_zone is None


def test_the_names_of_tls_parameters() -> None:
    """SQLx takes them with a hyphen and without, and modes in any case."""
    url = read("mysql://h?sslmode=REQUIRED&sslca=a&sslcert=b&sslkey=c")
    told = (url.ssl_mode, url.ssl_ca, url.ssl_cert, url.ssl_key)
    assert told == ("required", "a", "b", "c")


def test_another_database_on_the_same_server() -> None:
    """Only the database changes, in the field and in the text for messages."""
    url = read("mysql://u:pw@h:1/app?ssl-mode=required")
    other = url.with_database("a/b")
    assert other.keywords() == url.keywords() | {"database": "a/b"}
    assert other.redacted == "mysql://u:***@h:1/a%2Fb?ssl-mode=required"
    assert read("mysql://h").with_database("d").redacted == "mysql://h/d"
    assert "database" not in url.with_database("").keywords()
    assert url.with_database("").redacted == "mysql://u:***@h:1/?ssl-mode=required"


def test_what_has_no_effect_is_a_warning() -> None:
    """SQLx passes over unknown parameters, fragments and half escapes; we say so."""
    url = read("mysql://u:100%@h/d?nope=S3cret&ssl_mode=required#rest")
    assert url.password == "100%"  # noqa: S105 - a password of this test.
    mend = "correct its spelling or remove it"
    assert url.warnings == (
        "a `%` that begins no escape stands for itself; write it as %25",
        "ignoring what follows the `#`; if it is meant, write it as %23",
        f'ignoring unrecognized connect parameter "nope"; {mend}',
        f'ignoring unrecognized connect parameter "ssl_mode"; {mend}',
    )
    assert url.ssl_mode == "preferred"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "mysql://u:p@/d",
            (
                f"empty host; name the host after the @: {RIGHT}, or for a socket its "
                "path: mysql://user:password@localhost/database"
                "?socket=/run/mysqld/mysqld.sock"
            ),
        ),
        (
            "mysql://h:1x/d",
            (
                f"invalid port number; a port is a number from 1 to 65535: {RIGHT}; "
                f"{ENCODING}"
            ),
        ),
        ("mysql:u:p@h/d", f"no `//` after the scheme; a right URL is {RIGHT}"),
        ("mysql://u:1/2@h/d", f"a `/`, `?` or `#` stands before an `@`; {ENCODING}"),
        (
            "mysql://u:1?charset=2@h/d",
            f"a `/`, `?` or `#` stands before an `@`; {ENCODING}",
        ),
        ("mysql://u:1?2@h/d", f"a `/`, `?` or `#` stands before an `@`; {ENCODING}"),
        (
            "mysql://h?ssl-mode=verify-full",
            (
                'unknown value "verify-full" for `ssl_mode`; choose one of disabled, '
                "preferred, required, verify_ca, verify_identity"
            ),
        ),
        (
            "mysql://h?charset=utf8mb4'",
            '"utf8mb4\'" is no charset; it is a name, as utf8mb4 is',
        ),
        (
            "mysql://h?collation=a%20b",
            '"a b" is no collation; it is a name, as utf8mb4_bin is',
        ),
        (
            "mysql://u:p%00w@h/d",
            "the password holds a NUL byte; take the %00 out",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_right(url: str, message: str) -> None:
    """SQLx's words come first, then the mend."""
    assert refusal(url) == f"error with configuration: {message}"


@given(PASSWORDS)
@example("@:/%#?&='\" \\+é")
def test_any_password_arrives_percent_encoded(password: str) -> None:
    """A password that is percent-encoded arrives as it is, and shows nowhere else."""
    url = read(f"mysql://user:{encode(password)}@host:3306/app")
    assert url.password == password
    assert url.warnings == ()
    assert url.redacted == "mysql://user:***@host:3306/app"
