-- What the queries of this application are about, on PostgreSQL.
CREATE TYPE status AS ENUM ('new', 'open', 'closed');
CREATE DOMAIN positive AS INT CHECK (value > 0);
CREATE DOMAIN percentage AS positive CHECK (value <= 100);
CREATE DOMAIN required AS TEXT NOT NULL;
CREATE TYPE pair AS (name TEXT, value positive);
CREATE TYPE nested AS (label status, pairs pair[]);
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE SCHEMA other;
CREATE TYPE other."Odd Type" AS ENUM ('a', 'it''s', '');

CREATE TABLE tweet (
    id BIGSERIAL PRIMARY KEY,
    text TEXT NOT NULL,
    owner_id BIGINT,
    tags TEXT[],
    status status NOT NULL DEFAULT 'new',
    rating percentage
);
CREATE TABLE tweet_reply (
    id BIGSERIAL PRIMARY KEY,
    tweet_id BIGINT NOT NULL REFERENCES tweet (id),
    text TEXT NOT NULL,
    owner_id BIGINT
);
CREATE VIEW tweet_view AS SELECT id, text, owner_id FROM tweet;
CREATE TABLE other."Odd Table" (
    "Odd Column" INT NOT NULL,
    odd other."Odd Type",
    odds other."Odd Type"[] NOT NULL
);
CREATE TABLE every_type (
    a_bool BOOL NOT NULL, a_bytea BYTEA, a_char "char", a_name NAME, a_int2 INT2,
    an_oid OID, a_json JSON, a_jsonb JSONB NOT NULL, a_point POINT, a_cidr CIDR,
    an_inet INET, a_float4 FLOAT4, a_float8 FLOAT8, a_macaddr MACADDR, a_money MONEY,
    a_bpchar CHAR(3), a_varchar VARCHAR(9), a_date DATE, a_time TIME,
    a_timestamp TIMESTAMP, a_timestamptz TIMESTAMPTZ, an_interval INTERVAL,
    a_timetz TIMETZ, a_bit BIT(3), a_varbit VARBIT, a_numeric NUMERIC(10, 2),
    a_uuid UUID NOT NULL, a_int4range INT4RANGE, a_numrange NUMRANGE,
    a_tstzrange TSTZRANGE, a_jsonpath JSONPATH, a_tsvector TSVECTOR,
    a_regclass REGCLASS, a_pg_lsn PG_LSN, an_xid XID,
    some_uuids UUID[], some_numerics NUMERIC[][], some_times TIMESTAMPTZ[],
    some_pairs pair[], some_floats floats, some_rates percentage[]
);
INSERT INTO tweet (text, owner_id) SELECT 'text ' || n, n % 3 FROM generate_series(1, 9) n;
