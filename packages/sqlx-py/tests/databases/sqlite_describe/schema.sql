CREATE TABLE tweet (
    id BIGINT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    is_sent BOOLEAN NOT NULL DEFAULT TRUE,
    owner_id BIGINT
);
INSERT INTO tweet (id, text, owner_id) VALUES (1, '#sqlx is pretty cool!', 1);
CREATE TABLE tweet_reply (
    id BIGINT NOT NULL PRIMARY KEY,
    tweet_id BIGINT NOT NULL REFERENCES tweet (id),
    text TEXT NOT NULL,
    owner_id BIGINT
);
INSERT INTO tweet_reply (id, tweet_id, text, owner_id) VALUES (1, 1, 'Yeah!', 1);
CREATE TABLE accounts (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, is_active BOOLEAN);
INSERT INTO accounts (id, name, is_active) VALUES (1, 'Herp Derpinson', 1);
CREATE VIEW accounts_view AS SELECT * FROM accounts;
CREATE TABLE products (product_no INTEGER, name TEXT, price NUMERIC, CHECK (price > 0));
CREATE TABLE an_alias (a INTEGER PRIMARY KEY);
CREATE TABLE not_an_alias (a INT PRIMARY KEY);
CREATE TEMPORARY TABLE empty_all_types_and_nulls (
    i1 integer, r1 real, t1 text, b1 blob,
    i2 integer NOT NULL, r2 real NOT NULL, t2 text NOT NULL, b2 blob NOT NULL
);
CREATE TEMPORARY TABLE _temp_empty (name TEXT NOT NULL, a INT);
CREATE TEMPORARY TABLE _temp_loose (name TEXT, a INT);
