-- What the queries of this application are about, on SQLite.
CREATE TABLE tweet (
    id BIGINT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    is_sent BOOLEAN NOT NULL DEFAULT TRUE,
    owner_id BIGINT
);
CREATE TABLE tweet_reply (
    id BIGINT NOT NULL PRIMARY KEY,
    tweet_id BIGINT NOT NULL REFERENCES tweet (id),
    text TEXT NOT NULL,
    owner_id BIGINT
);
CREATE TABLE accounts (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    is_active BOOLEAN
);
CREATE VIEW accounts_view AS SELECT * FROM accounts;
CREATE TABLE products (product_no INTEGER, name TEXT, price NUMERIC CHECK (price > 0));
CREATE TABLE an_alias (a INTEGER PRIMARY KEY);
CREATE TABLE not_an_alias (a INT PRIMARY KEY);
CREATE TABLE every_type (
    an_int4 INT4, an_int8 INT8 NOT NULL, a_bool BOOL, a_date DATE, a_time TIME,
    a_datetime DATETIME NOT NULL, a_timestamp TIMESTAMP, a_varchar VARCHAR(9),
    a_clob CLOB, a_blob BLOB, a_real REAL NOT NULL, a_float FLOAT, a_double DOUBLE
);
CREATE TABLE without_rowid (id INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID;
CREATE TABLE generated (a INT, b INT AS (a * 2) STORED, c TEXT AS (a) VIRTUAL NOT NULL);
CREATE TABLE tree (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES tree);
CREATE INDEX tweet_by_owner ON tweet (owner_id, text);
INSERT INTO tweet (id, text, owner_id) VALUES (1, '#sqlx is pretty cool!', 1);
INSERT INTO tweet_reply (id, tweet_id, text) VALUES (1, 1, 'Yeah!');
