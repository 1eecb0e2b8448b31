-- What the queries of this application are about, on MariaDB and MySQL.
CREATE TABLE tweet (
    id BIGINT NOT NULL PRIMARY KEY AUTO_INCREMENT,
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
    id INT UNSIGNED NOT NULL PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(100) NOT NULL UNIQUE,
    is_active BOOLEAN
);
CREATE TABLE numbers (
    tiny TINYINT NOT NULL, tiny_unsigned TINYINT UNSIGNED, small SMALLINT,
    small_unsigned SMALLINT UNSIGNED NOT NULL, medium MEDIUMINT,
    medium_unsigned MEDIUMINT UNSIGNED, plain INT, plain_unsigned INT UNSIGNED ZEROFILL,
    big BIGINT, big_unsigned BIGINT UNSIGNED, year YEAR, single FLOAT, twice DOUBLE,
    exact DECIMAL(10, 2), bit_1 BIT(1), bit_64 BIT(64)
);
CREATE TABLE texts (
    fixed CHAR(3), called VARCHAR(100) NOT NULL, latin VARCHAR(9) CHARACTER SET latin1,
    by_bytes VARCHAR(9) COLLATE utf8mb4_bin, tiny TINYTEXT, plain TEXT,
    medium MEDIUMTEXT, long_ LONGTEXT, json JSON,
    tier ENUM('free', 'it''s') NOT NULL DEFAULT 'free', tags SET('x', 'y')
);
CREATE TABLE bytes (
    fixed BINARY(16), called VARBINARY(10), tiny TINYBLOB, plain BLOB,
    medium MEDIUMBLOB, long_ LONGBLOB NOT NULL, place POINT
);
CREATE TABLE times (
    day DATE NOT NULL, length TIME, moment DATETIME(6), stamp TIMESTAMP NULL
);
CREATE VIEW tweet_view AS SELECT id, text, 1 AS one FROM tweet;
CREATE VIEW accounts_view AS SELECT * FROM accounts;
INSERT INTO tweet (id, text, owner_id) VALUES (1, '#sqlx is pretty cool!', 1);
INSERT INTO tweet_reply (id, tweet_id, text) VALUES (1, 1, 'Yeah!');
