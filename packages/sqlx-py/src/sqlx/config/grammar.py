"""The syntax that database URLs share, and the one way in which they are refused.

SQLx reads URLs by the WHATWG rules for schemes that are not special: white space around
a URL and tabs and line breaks in it do not count, the user's part ends at the *last*
`@`, and a `%` that begins no escape stands for itself. libpq and `urllib.parse` split
elsewhere, and both quote what they could not read, which can be a password: `urllib`
shows the rest of one that holds an unescaped `/`, `#` or `?`. So URLs are taken apart
here, and no message shows a part of a URL in which a password can stand.

Source:
    https://url.spec.whatwg.org/#url-parsing, and the crate `url` that SQLx uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlx.errors import ConfigurationError

__all__ = [
    "ENCODING",
    "EXAMPLE",
    "EXAMPLES",
    "Parts",
    "decode",
    "encode",
    "pairs",
    "quoted",
    "raw_pairs",
    "refused",
    "split_parts",
    "split_scheme",
]

EXAMPLE = "postgres://user:password@host:5432/database"
EXAMPLES = (
    f"{EXAMPLE}, mysql://user:password@host:3306/database, "
    "sqlite://app.db?mode=rwc or embedded:.postgres"
)
ENCODING = (
    "in a user name or a password write % as %25, @ as %40, : as %3A, / as %2F, "
    "? as %3F and # as %23"
)

_C0_OR_SPACE = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(.*)", re.DOTALL)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_RESERVED = re.compile(rb"[^A-Za-z0-9._~-]")


@dataclass(frozen=True, slots=True, repr=False)
class Parts:
    """A URL's parts as they are written; None for one that is not there.

    They may hold a password, so they have no repr.

    Args:
        userinfo: What stands before the last `@` of the authority.
        hosts: What stands after it, or the whole authority.
    """

    userinfo: str | None
    hosts: str | None
    path: str
    query: str
    fragment: str | None


def refused(problem: str, mend: str) -> ConfigurationError:
    """Make the error for a URL: SQLx's words first, then the way out."""
    return ConfigurationError(f"error with configuration: {problem}; {mend}")


def quoted(text: str) -> str:
    """Quote a value for a message, as Rust's debug format does."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def split_scheme(url: str) -> tuple[str, str]:
    """Split a URL into its scheme, in small letters, and the rest after the colon.

    Raises:
        ConfigurationError: It has no scheme, or is not Unicode text.
    """
    text = re.sub("[\t\n\r]", "", url.strip(_C0_OR_SPACE))
    if re.search("[\ud800-\udfff]", text):
        raise refused("the URL is not valid UTF-8", "percent-encode its other bytes")
    match = _SCHEME.match(text)
    if match is None:
        raise refused(
            "relative URL without a base",
            f"a database URL begins with its scheme: {EXAMPLES}",
        )
    return match[1].lower(), match[2]


def split_parts(rest: str) -> Parts:
    """Split what follows a scheme into its parts, which stay encoded."""
    rest, mark, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    if not rest.startswith("//"):
        return Parts(None, None, rest, query, fragment if mark else None)
    authority, slash, path = rest.removeprefix("//").partition("/")
    userinfo, at, hosts = authority.rpartition("@")
    return Parts(
        userinfo if at else None,
        hosts,
        slash + path,
        query,
        fragment if mark else None,
    )


def decode(text: str, name: str) -> str:
    """Undo the percent-encoding of `text`; a `%` that begins no escape stays.

    Raises:
        ConfigurationError: The result is not UTF-8, or holds a NUL, at which drivers
            would cut it. The message calls the text `name`.
    """
    octets = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())
    try:
        decoded = octets.decode()
    except UnicodeDecodeError as error:
        count, start = error.end - error.start, error.start
        raise refused(
            f"invalid utf-8 sequence of {count} bytes from index {start}",
            f"the {name} is to be UTF-8, percent-encoded: é is %C3%A9",
        ) from None  # The exception left out holds the text, perhaps a password.
    if "\0" in decoded:
        raise refused(f"the {name} holds a NUL byte", "take the %00 out")
    return decoded


def encode(text: str) -> str:
    """Percent-encode all but ASCII letters, digits, `-`, `.`, `_` and `~`."""
    octets = _RESERVED.sub(lambda match: b"%%%02X" % ord(match[0]), text.encode())
    return octets.decode()


def raw_pairs(query: str) -> list[tuple[str, str, str]]:
    """Split a query into names, `=` or nothing, and values, which stay encoded."""
    return [pair.partition("=") for pair in query.split("&") if pair]


def pairs(query: str) -> list[tuple[str, str]]:
    """Split a query into names and values, decoded as in forms: `+` is a space."""
    return [
        (
            decode(name.replace("+", " "), "name of a parameter"),
            decode(value.replace("+", " "), "value of a parameter"),
        )
        for name, _, value in raw_pairs(query)
    ]
