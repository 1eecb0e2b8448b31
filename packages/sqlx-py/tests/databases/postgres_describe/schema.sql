-- SQLx's tests/postgres/setup.sql. Its extensions are not everywhere, so types that
-- look like theirs stand here: describing sees a type's name and kind alone.
CREATE TYPE citext;
CREATE FUNCTION citext_in(cstring) RETURNS citext
    LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION citext_out(citext) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE citext (INPUT = citext_in, OUTPUT = citext_out, LIKE = text, CATEGORY = 'S');

CREATE TYPE hstore;
CREATE FUNCTION hstore_in(cstring) RETURNS hstore
    LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION hstore_out(hstore) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE hstore (INPUT = hstore_in, OUTPUT = hstore_out, LIKE = text);

CREATE TYPE status AS ENUM ('new', 'open', 'closed');

CREATE TYPE inventory_item AS (name TEXT, supplier_id INT, price BIGINT);

CREATE TABLE tweet (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    text TEXT NOT NULL,
    owner_id BIGINT
);

CREATE TABLE tweet_reply (
    id BIGSERIAL PRIMARY KEY,
    tweet_id BIGINT NOT NULL REFERENCES tweet (id),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    text TEXT NOT NULL,
    owner_id BIGINT
);

CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);

CREATE TABLE products (
    product_no INT,
    name TEXT,
    price NUMERIC CHECK (price > 0)
);

CREATE PROCEDURE forty_two(INOUT forty_two INT = NULL)
    LANGUAGE plpgsql AS 'BEGIN forty_two := 42; END;';

CREATE TABLE test_citext (foo citext NOT NULL);

CREATE SCHEMA foo;
CREATE TYPE foo."Foo" AS ENUM ('Bar', 'Baz');

CREATE TABLE mytable (f hstore);

CREATE TABLE circles (c CIRCLE, EXCLUDE USING gist (c WITH &&));

CREATE DOMAIN positive_int AS INT CHECK (VALUE >= 0);
CREATE DOMAIN percentage AS positive_int CHECK (VALUE <= 100);
CREATE TYPE person AS (id INT, age positive_int, percent percentage);

CREATE TYPE leaf_composite AS (prim INT);
CREATE DOMAIN domain AS leaf_composite;
CREATE TYPE root_composite AS (domain domain);

-- What follows is our own.
CREATE TABLE json_stuff (obj JSON, obj2 JSONB);
CREATE VIEW tweet_view AS SELECT * FROM tweet;
CREATE DOMAIN filled AS TEXT NOT NULL;
CREATE DOMAIN foo."Full name" AS filled;
CREATE TABLE "Odd name" (id INT NOT NULL, "a ""b""" INT);
CREATE TABLE foo.elsewhere (id INT NOT NULL, kind foo."Foo");
CREATE TABLE changed (id INT NOT NULL, gone TEXT, note TEXT);
ALTER TABLE changed DROP COLUMN gone;
CREATE TYPE level AS ENUM ('low', 'high');
ALTER TYPE level ADD VALUE 'middle' BEFORE 'high';
