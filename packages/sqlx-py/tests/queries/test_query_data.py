"""A query's file: SQLx's bytes out, and all that SQLx reads in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlx.errors import CacheError
from sqlx.queries.caching.query_data import from_json, to_json
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Kind,
    Nullability,
    Origin,
    SqlxVersion,
    TypeInfo,
    Wire,
    query_hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = TypeInfo("status", Kind.ENUM, labels=("new", "open", "closed"))
TWEETS = Description(
    Database.POSTGRES,
    "SELECT id, text AS \"body!\", owner_id + $1 AS n, 'open'::status AS st FROM tweet",
    (
        Column("id", TypeInfo("Int8"), Origin("tweet", "id"), nullable=False),
        Column("body!", TypeInfo("Text"), Origin("tweet", "text"), nullable=False),
        Column("n", TypeInfo("Int8"), None, nullable=None),
        Column("st", STATUS, None, nullable=None),
    ),
    (TypeInfo("Int8"),),
)
TWEETS_0_9 = r"""{
  "db_name": "PostgreSQL",
  "query": "SELECT id, text AS \"body!\", owner_id + $1 AS n, 'open'::status AS st FROM tweet",
  "describe": {
    "columns": [
      {
        "ordinal": 0,
        "name": "id",
        "type_info": "Int8",
        "origin": {
          "Table": {
            "table": "tweet",
            "name": "id"
          }
        }
      },
      {
        "ordinal": 1,
        "name": "body!",
        "type_info": "Text",
        "origin": {
          "Table": {
            "table": "tweet",
            "name": "text"
          }
        }
      },
      {
        "ordinal": 2,
        "name": "n",
        "type_info": "Int8",
        "origin": "Expression"
      },
      {
        "ordinal": 3,
        "name": "st",
        "type_info": {
          "Custom": {
            "name": "status",
            "kind": {
              "Enum": [
                "new",
                "open",
                "closed"
              ]
            }
          }
        },
        "origin": "Expression"
      }
    ],
    "parameters": {
      "Left": [
        "Int8"
      ]
    },
    "nullable": [
      false,
      false,
      null,
      null
    ]
  },
  "hash": "7477dd3a82b7a74419efc8732b909602874d5213c1f731a87246a1006d6aa165"
}
"""  # noqa: E501 -- a query stands on one line.

IN_SQLITE = Description(
    Database.SQLITE,
    "SELECT id, 'é\u2028\x7f/\t\x01' AS \"t: String\" FROM main.k WHERE id = ?",
    (
        Column("id", TypeInfo("Integer"), Origin("k", "id"), nullable=True),
        Column("t: String", TypeInfo("Text"), None, nullable=False),
    ),
    1,
)
IN_SQLITE_0_8 = (
    r"""{
  "db_name": "SQLite",
  "query": "SELECT id, 'é"""
    "\u2028\x7f"
    r"""/\t\u0001' AS \"t: String\" FROM main.k WHERE id = ?",
  "describe": {
    "columns": [
      {
        "name": "id",
        "ordinal": 0,
        "type_info": "Integer"
      },
      {
        "name": "t: String",
        "ordinal": 1,
        "type_info": "Text"
      }
    ],
    "parameters": {
      "Right": 1
    },
    "nullable": [
      true,
      false
    ]
  },
  "hash": "1659de6f0ec8b9486ce97dffbbeb42ea85e39c326ea5d2153f57407e8b83fe2a"
}
"""
)

IN_MYSQL = Description(
    Database.MYSQL,
    "SELECT id, text, 1 AS `n!` FROM tweet WHERE id = ?",
    (
        Column(
            "id",
            TypeInfo("LongLong", wire=Wire(0b1000000011, 20, 63)),
            Origin("app.tweet", "id"),
            nullable=False,
        ),
        Column(
            "text",
            TypeInfo("Blob", wire=Wire(16, 262140, 45)),
            Origin("app.tweet", "text"),
            nullable=True,
        ),
        Column("n!", TypeInfo("Long", wire=Wire(0, 1, 63)), None, nullable=True),
    ),
    1,
)
# As SQLx 0.9.0 wrote it on MariaDB 10.11.
IN_MYSQL_0_9 = """{
  "db_name": "MySQL",
  "query": "SELECT id, text, 1 AS `n!` FROM tweet WHERE id = ?",
  "describe": {
    "columns": [
      {
        "ordinal": 0,
        "name": "id",
        "type_info": {
          "type": "LongLong",
          "flags": "NOT_NULL | PRIMARY_KEY | AUTO_INCREMENT",
          "collation": 63,
          "max_size": 20
        },
        "origin": {
          "Table": {
            "table": "app.tweet",
            "name": "id"
          }
        }
      },
      {
        "ordinal": 1,
        "name": "text",
        "type_info": {
          "type": "Blob",
          "flags": "BLOB",
          "collation": 45,
          "max_size": 262140
        },
        "origin": {
          "Table": {
            "table": "app.tweet",
            "name": "text"
          }
        }
      },
      {
        "ordinal": 2,
        "name": "n!",
        "type_info": {
          "type": "Long",
          "flags": "",
          "collation": 63,
          "max_size": 1
        },
        "origin": "Expression"
      }
    ],
    "parameters": {
      "Right": 1
    },
    "nullable": [
      false,
      true,
      true
    ]
  },
  "hash": "%s"
}
""" % query_hash(IN_MYSQL.sql)  # noqa: UP031 -- braces are JSON's here.

NOTHING = Description(Database.POSTGRES, "DELETE FROM tweet", (), ())
NOTHING_0_9 = """{
  "db_name": "PostgreSQL",
  "query": "DELETE FROM tweet",
  "describe": {
    "columns": [],
    "parameters": {
      "Left": []
    },
    "nullable": []
  },
  "hash": "%s"
}
""" % query_hash("DELETE FROM tweet")  # noqa: UP031 -- braces are JSON's here.


def test_a_file_of_postgresql_is_written_as_sqlx_does() -> None:
    """Keys in the order of SQLx's structs, a value on each line, one newline last."""
    assert to_json(TWEETS, SqlxVersion.V0_9) == TWEETS_0_9


def test_sqlx_0_8_writes_no_origin() -> None:
    """Nothing else differs between the versions."""
    value = json.loads(TWEETS_0_9)
    for column in value["describe"]["columns"]:
        del column["origin"]
    expected = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    assert to_json(TWEETS, SqlxVersion.V0_8) == expected


def test_a_file_of_sqlite_has_the_name_first_and_a_number_of_parameters() -> None:
    """Control characters are escaped, U+2028, DEL and the slash are not."""
    assert to_json(IN_SQLITE, SqlxVersion.V0_8) == IN_SQLITE_0_8


def test_empty_lists_stay_on_their_line() -> None:
    """As serde_json's pretty printer has them."""
    assert to_json(NOTHING, SqlxVersion.V0_9) == NOTHING_0_9


def test_proofs_are_not_written() -> None:
    """SQLx's check compares whole values: what it would not write must not be there."""
    proof = Nullability(may_be_null=True, reason="outer join")
    proved = replace(
        TWEETS, columns=tuple(replace(c, proof=proof) for c in TWEETS.columns)
    )
    assert to_json(proved, SqlxVersion.V0_9) == TWEETS_0_9


INT = TypeInfo("Int4")
TYPES = {
    "Int4": INT,
    '{"Custom":{"name":"citext","kind":"Simple"}}': TypeInfo("citext", Kind.SIMPLE),
    '{"Custom":{"name":"cstring","kind":"Pseudo"}}': TypeInfo("cstring", Kind.PSEUDO),
    '{"Custom":{"name":"percentage","kind":{"Domain":"Int4"}}}': TypeInfo(
        "percentage", Kind.DOMAIN, of=INT
    ),
    '{"Custom":{"name":"floatrange","kind":{"Range":"Float8"}}}': TypeInfo(
        "floatrange", Kind.RANGE, of=TypeInfo("Float8")
    ),
    '{"Custom":{"name":"foo.\\"Foo\\"[]","kind":{"Array":{"Custom":{"name":'
    '"foo.\\"Foo\\"","kind":{"Enum":["a"]}}}}}}': TypeInfo(
        'foo."Foo"[]',
        Kind.ARRAY,
        of=TypeInfo('foo."Foo"', Kind.ENUM, labels=("a",)),
    ),
    '{"Custom":{"name":"pair","kind":{"Composite":[["name","Text"],["value",'
    '{"Custom":{"name":"citext","kind":"Simple"}}]]}}}': TypeInfo(
        "pair",
        Kind.COMPOSITE,
        fields=(
            ("name", TypeInfo("Text")),
            ("value", TypeInfo("citext", Kind.SIMPLE)),
        ),
    ),
    '{"Custom":{"name":"empty","kind":{"Composite":[]}}}': TypeInfo(
        "empty", Kind.COMPOSITE
    ),
    '{"Custom":{"name":"none","kind":{"Enum":[]}}}': TypeInfo("none", Kind.ENUM),
}


@pytest.mark.parametrize("written", TYPES)
def test_each_kind_of_type_is_written_and_read(written: str) -> None:
    """A column's type and a parameter's have one form, nested at any depth."""
    type_info = TYPES[written]
    column = Column("c", type_info, None, nullable=None)
    description = Description(Database.POSTGRES, "SELECT", (column,), (type_info,))
    value = json.loads(to_json(description, SqlxVersion.V0_9))["describe"]
    expected = written if type_info.kind is Kind.BUILTIN else json.loads(written)
    assert value["columns"][0]["type_info"] == expected
    assert value["parameters"] == {"Left": [expected]}
    assert from_json(to_json(description, SqlxVersion.V0_9)) == description


def test_a_type_of_mysql_tells_what_was_sent() -> None:
    """Its third key differs: 0.8 has none, 0.7 and 0.9 have a name each."""
    assert to_json(IN_MYSQL, SqlxVersion.V0_9) == IN_MYSQL_0_9
    assert from_json(IN_MYSQL_0_9) == IN_MYSQL
    assert from_json(IN_MYSQL_0_9.replace("collation", "char_set")) == IN_MYSQL
    older = to_json(IN_MYSQL, SqlxVersion.V0_8)
    lines = IN_MYSQL_0_9.splitlines(keepends=True)
    assert '"origin"' not in older
    assert [
        line for line in older.splitlines() if "flags" in line or "max" in line
    ] == [line.rstrip() for line in lines if "flags" in line or "max" in line]
    for column in from_json(older).columns:
        assert column.type_info.wire is not None
        assert column.type_info.wire.collation is None


def test_sqlite_counts_columns_anew_in_each_statement() -> None:
    """`SELECT 1; SELECT 2` has two columns with SQLx's number 0."""
    one = Column("1", TypeInfo("Integer"), None, nullable=False)
    two = replace(one, name="2", ordinal=0)
    both = Description(Database.SQLITE, "SELECT 1; SELECT 2", (one, two), 0)
    written = to_json(both, SqlxVersion.V0_9)
    columns = json.loads(written)["describe"]["columns"]
    assert [column["ordinal"] for column in columns] == [0, 0]
    assert from_json(written) == both


def test_a_file_without_origin_is_read() -> None:
    """SQLx 0.8 knows no origin: every column counts as an expression."""
    read = from_json(to_json(TWEETS, SqlxVersion.V0_8))
    columns = tuple(replace(column, origin=None) for column in TWEETS.columns)
    assert read == replace(TWEETS, columns=columns)


def test_order_and_unknown_keys_do_not_matter() -> None:
    """Projects sort their files with `jq -S`, and a later SQLx may write more."""
    value = json.loads(TWEETS_0_9)
    value["new"] = 1
    value["describe"]["new"] = {"more": []}
    value["describe"]["columns"][0]["new"] = None
    assert from_json(json.dumps(value, sort_keys=True, indent=1)) == TWEETS


def test_an_origin_that_sqlx_does_not_know_is_read_as_none() -> None:
    """SQLx has a word for it, which no database of ours makes it write."""
    value = json.loads(TWEETS_0_9)
    value["describe"]["columns"][0]["origin"] = "Unknown"
    assert from_json(json.dumps(value)).columns[0].origin is None


def test_the_names_of_sqlx_0_7_are_read() -> None:
    """SQLite's `Int64` and `Int` are `Integer` and `Int4` since 0.8."""
    text = to_json(IN_SQLITE, SqlxVersion.V0_8)
    old = text.replace('"Integer"', '"Int64"').replace('"Text"', '"Int"')
    assert [c.type_info.name for c in from_json(old).columns] == ["Integer", "Int4"]


AGAIN = "run `sqlx prepare` to write it again"
SURROGATE = json.dumps({**json.loads(NOTHING_0_9), "query": "\ud800"})


def without(key: str) -> str:
    """Leave a key of the file out."""
    value = json.loads(TWEETS_0_9)
    del value[key]
    return json.dumps(value)


def with_type(type_info: object) -> str:
    """Give the first column of the file a type."""
    value = json.loads(TWEETS_0_9)
    value["describe"]["columns"][0]["type_info"] = type_info
    return json.dumps(value)


def custom(kind: object) -> str:
    """Give the first column of the file a type of this kind."""
    return with_type({"Custom": {"name": "x", "kind": kind}})


def describing(key: str, value: object) -> str:
    """Set a key of `describe`."""
    whole = json.loads(TWEETS_0_9)
    whole["describe"][key] = value
    return json.dumps(whole)


REFUSED: dict[str, tuple[str, str]] = {
    "a merge": (
        "{\n<<<<<<< HEAD\n",
        (
            "q.json:2:1: this is no JSON (Expecting property name enclosed in double "
            "quotes)"
        ),
    ),
    "a huge number": (
        f'{{"n": {"9" * 5000}}}',
        (
            "q.json: this is no JSON (Exceeds the limit (4300 digits) for integer "
            "string conversion: value has 5000 digits; use "
            "sys.set_int_max_str_digits() to increase the limit)"
        ),
    ),
    "an array": ("[]", "q.json: the file is no JSON object"),
    "no database": (without("db_name"), "q.json: the key `db_name` is missing"),
    "another database": (
        TWEETS_0_9.replace("PostgreSQL", "MSSQL"),
        "q.json: `db_name` is 'MSSQL', none of PostgreSQL, SQLite, MySQL",
    ),
    "a query that is none": (
        json.dumps({**json.loads(TWEETS_0_9), "query": 1}),
        "q.json: `query` is no text",
    ),
    "half a character": (SURROGATE, "q.json: `query` is no text"),
    "an edited query": (
        NOTHING_0_9.replace("DELETE", "delete"),
        (
            f"q.json: `hash` is {query_hash('DELETE FROM tweet')}, and that of "
            f"`query` is {query_hash('delete FROM tweet')}: one of them was edited"
        ),
    ),
    "columns that are none": (
        describing("columns", {}),
        "q.json: describe.columns is no JSON array",
    ),
    "fewer flags than columns": (
        describing("nullable", [True]),
        "q.json: there are 4 `columns` and 1 in `nullable`",
    ),
    "a flag that is none": (
        describing("nullable", [True, None, 0, False]),
        "q.json: describe.nullable[2] is not true, false or null",
    ),
    "a column that is none": (
        describing("columns", [1, 2, 3, 4]),
        "q.json: describe.columns[0] is no JSON object",
    ),
    "a column without number": (
        describing("columns", [{}, {}, {}, {}]),
        "q.json: describe.columns[0].ordinal is not a number",
    ),
    "no parameters": (
        describing("parameters", None),
        "q.json: describe.parameters is no JSON object",
    ),
    "a type that is none": (with_type(1), "q.json: type_info is no JSON object"),
    "a type by its number": (
        with_type({"DeclareWithOid": 600}),
        "q.json: the key `Custom` is missing",
    ),
    "a size that is none": (
        with_type({"type": "Long", "flags": "", "max_size": "1"}),
        "q.json: a size or a collation of type_info is not a number",
    ),
    "an unknown kind": (custom("Enum"), "q.json: `kind` of x is none of SQLx's"),
    "a label that is none": (
        custom({"Enum": [1]}),
        "q.json: a label of an Enum is no text",
    ),
    "a field that is none": (
        custom({"Composite": [["name"]]}),
        "q.json: a field of a Composite is not a name and a type",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_file_of_sqlx_s_is_refused(what: str) -> None:
    """The message says where, what and the mend."""
    text, message = REFUSED[what]
    with pytest.raises(CacheError) as caught:
        from_json(text, "q.json")
    assert str(caught.value) == f"{message}; {AGAIN}"


def test_a_deep_nesting_is_refused() -> None:
    """It is no crash."""
    with pytest.raises(CacheError, match=r"^q\.json: this is no JSON \(maximum recurs"):
        from_json("[" * 100_000, "q.json")


# Laws: what is written is read again, and how it is written elsewhere does not matter.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
builtin = texts.filter(lambda name: name not in {"Int64", "Int"}).map(TypeInfo)


def made(of: st.SearchStrategy[TypeInfo]) -> st.SearchStrategy[TypeInfo]:
    """Make types of other types."""

    def kind(kind: Kind) -> Callable[[str, TypeInfo], TypeInfo]:
        return lambda name, its: TypeInfo(name, kind, of=its)

    def enum(name: str, labels: list[str]) -> TypeInfo:
        return TypeInfo(name, Kind.ENUM, labels=tuple(labels))

    def composite(name: str, fields: list[tuple[str, TypeInfo]]) -> TypeInfo:
        return TypeInfo(name, Kind.COMPOSITE, fields=tuple(fields))

    return st.one_of(
        *(st.builds(kind(k), texts, of) for k in (Kind.DOMAIN, Kind.ARRAY, Kind.RANGE)),
        st.builds(enum, texts, st.lists(texts, max_size=3)),
        st.builds(composite, texts, st.lists(st.tuples(texts, of), max_size=3)),
        st.sampled_from([TypeInfo("x", Kind.SIMPLE), TypeInfo("y", Kind.PSEUDO)]),
    )


types = st.recursive(builtin, made, max_leaves=4)
columns = st.builds(
    Column,
    name=texts,
    type_info=types,
    origin=st.none() | st.builds(Origin, texts, texts),
    nullable=st.sampled_from([True, False, None]),
)
descriptions = st.builds(
    Description,
    st.sampled_from(Database),
    texts,
    st.lists(columns, max_size=3).map(tuple),
    st.lists(types, max_size=3).map(tuple) | st.integers(0, 9),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(descriptions, st.sampled_from(SqlxVersion), st.booleans())
def test_what_is_written_is_read_again(
    description: Description,
    version: SqlxVersion,
    sort: bool,  # noqa: FBT001 -- Hypothesis gives it.
) -> None:
    """Under each version, and when a project has sorted the keys."""
    text = to_json(description, version)
    if sort:
        text = json.dumps(json.loads(text), sort_keys=True)
    read = from_json(text)
    assert to_json(read, version) == to_json(description, version)
    if version is SqlxVersion.V0_9:
        assert read == description
