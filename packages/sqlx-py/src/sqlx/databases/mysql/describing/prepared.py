"""Queries as prepared statements: what the server says of a text, in its packets.

PyMySQL prepares nothing, but it reads packets: COM_STMT_PREPARE is sent and its answer
is read here, then the statement is closed; none is executed. The parts of PyMySQL that
are not public are all used in this module, and a test holds them to what we need.

Several texts are sent before the first answer is read, for as long as they fit into
what any socket takes: neither side then waits for the other to read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket

from sqlx.databases.mysql.describing.refusals import refusal
from sqlx.errors import ConnectionLost
from sqlx.queries.checking.mysql_names import FLAGS
from sqlx.queries.values import Refusal, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlx.databases.mysql.connect import Connection

__all__ = ["Field", "Statement", "prepare"]

PREPARE, CLOSE = b"\x16", b"\x19"
PREPARED = struct.Struct("<xIHH")  # after the first byte: number, columns, parameters
SOME_BYTES = 16_384  # of texts under way; a socket takes several times as many
KNOWN_FLAGS = sum(FLAGS.values())


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a result.

    Args:
        name: As the server names it.
        type_code: Its type's number.
        wire: What else is said of its type.
        place: Database, table and column behind it; empty where there are none. The
            table is an alias where a view or a sub-query is: only of a base table's
            column the database is always told.
    """

    name: str
    type_code: int
    wire: Wire
    place: tuple[str, str, str]

    @property
    def not_null(self) -> bool:
        """Whether the server says that it is never NULL."""
        return self.wire.flags & FLAGS["NOT_NULL"] != 0


@dataclass(frozen=True, slots=True)
class Statement:
    """A prepared text, and how many parameters it takes."""

    sql: str
    parameters: int
    fields: tuple[Field, ...]


def prepare(
    connection: Connection, queries: Sequence[str], at_once: int = 100
) -> list[Statement | Refusal]:
    """Let the server parse texts, and read what it says of each, in their order.

    Args:
        connection: Ours, with no result that is still to be read.
        queries: The texts.
        at_once: How many are under way together.

    Raises:
        ConnectionLost: The connection ended, or the exchange was broken off.
    """
    answers: list[Statement | Refusal] = []
    try:
        for some in _batches(queries, at_once):
            answers += _exchange(connection, some)
    except pymysql.MySQLError as error:
        raise ConnectionLost(" ".join(str(error.args[-1]).split())) from None
    except BaseException:
        # Answers that nobody read are still under way: nothing can follow them.
        connection._force_close()  # type: ignore[attr-defined]  # noqa: SLF001 -- it says no good-bye.
        raise
    return answers


def _batches(queries: Sequence[str], at_once: int) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for sql in queries:
        size += len(sql)
        if batch and (len(batch) == at_once or size > SOME_BYTES):
            yield batch
            batch, size = [], len(sql)
        batch.append(sql)
    if batch:
        yield batch


def _exchange(connection: Any, queries: Sequence[str]) -> list[Statement | Refusal]:  # noqa: ANN401 -- see below.
    """Send some texts, read the answers, and close what was prepared.

    PyMySQL's types do not tell of `_write_bytes` and `_next_seq_id`.
    """
    unsendable = [_unsendable(sql) for sql in queries]
    sent = [sql for sql, no in zip(queries, unsendable, strict=True) if no is None]
    _send(connection, [PREPARE + sql.encode() for sql in sent])
    numbers: list[int] = []
    answers = [
        no or _answer(connection, sql, numbers)
        for sql, no in zip(queries, unsendable, strict=True)
    ]
    _send(connection, [CLOSE + struct.pack("<I", number) for number in numbers])
    return answers


def _unsendable(sql: str) -> Refusal | None:
    """Refuse what is no text."""
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        unit = ord(sql[error.start])
        message = f"a query cannot contain half of a surrogate pair (U+{unit:04X})"
        return Refusal(sql, message, error.start)
    return None


def _send(connection: Any, commands: Sequence[bytes]) -> None:  # noqa: ANN401 -- see above.
    """Send commands, each a packet with the number 0."""
    packets = (struct.pack("<I", len(command)) + command for command in commands)
    connection._write_bytes(b"".join(packets))  # noqa: SLF001 -- see the module.


def _answer(
    connection: Any,  # noqa: ANN401 -- see above.
    sql: str,
    numbers: list[int],
) -> Statement | Refusal:
    """Read what one text brought; the statement's number is kept to close it."""
    connection._next_seq_id = 1  # noqa: SLF001 -- see the module.
    head: bytes = connection._read_packet(_Head).get_all_data()  # noqa: SLF001 -- see the module.
    if head[0] == ERROR:
        return refusal(sql, head)
    number, columns, parameters = PREPARED.unpack_from(head)
    numbers.append(number)
    _definitions(connection, parameters)
    fields = tuple(map(_field, _definitions(connection, columns)))
    return Statement(sql, parameters, fields)


ERROR = 0xFF


class _Head(MysqlPacket):
    """The first packet of an answer; an error in it is not raised, but read."""

    def is_error_packet(self) -> bool:
        """Say no."""
        return False


def _definitions(connection: Any, count: int) -> list[Any]:  # noqa: ANN401 -- see above.
    """Read definitions of columns, and the packet that ends them."""
    read = connection._read_packet  # noqa: SLF001 -- see the module.
    found = [read(FieldDescriptorPacket) for _ in range(count)]
    if found:
        read()
    return found


def _field(packet: Any) -> Field:  # noqa: ANN401 -- PyMySQL's types do not tell of its attributes.
    """Read a definition as SQLx does: the name is the alias, where there is one."""
    wire = Wire(packet.flags & KNOWN_FLAGS, packet.length, packet.charsetnr)
    place = packet.db.decode(), packet.org_table, packet.org_name
    return Field(packet.name or packet.org_name, packet.type_code, wire, place)
