CREATE TABLE tweet (
    id BIGINT NOT NULL PRIMARY KEY AUTO_INCREMENT,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    text TEXT NOT NULL,
    owner_id BIGINT
);

CREATE TABLE tweet_reply (
    id BIGINT NOT NULL PRIMARY KEY AUTO_INCREMENT,
    tweet_id BIGINT NOT NULL,
    text TEXT NOT NULL
);

CREATE TABLE with_bits (
    value_bit_1 BIT(1),
    value_bool BOOLEAN,
    bit_64 BIT(64),
    value_int TINYINT
);

CREATE TABLE numbers (
    tiny TINYINT NOT NULL,
    tiny_unsigned TINYINT UNSIGNED NOT NULL,
    small SMALLINT,
    small_unsigned SMALLINT UNSIGNED,
    medium MEDIUMINT,
    medium_unsigned MEDIUMINT UNSIGNED,
    plain INT,
    plain_unsigned INT UNSIGNED ZEROFILL,
    big BIGINT,
    big_unsigned BIGINT UNSIGNED UNIQUE,
    year YEAR,
    single FLOAT,
    twice DOUBLE,
    exact DECIMAL(10, 2)
);

CREATE TABLE texts (
    fixed CHAR(3),
    called VARCHAR(100) NOT NULL,
    by_bytes VARCHAR(10) COLLATE utf8mb4_bin,
    latin VARCHAR(10) CHARACTER SET latin1,
    tiny TINYTEXT,
    plain TEXT,
    medium MEDIUMTEXT,
    long_ LONGTEXT,
    json JSON,
    tier ENUM('free', 'it''s', 'b\\c') NOT NULL DEFAULT 'free',
    tags SET('x', 'y'),
    KEY (called, tier)
);

CREATE TABLE bytes (
    fixed BINARY(16),
    called VARBINARY(10),
    tiny TINYBLOB,
    plain BLOB,
    medium MEDIUMBLOB,
    long_ LONGBLOB,
    place POINT
);

CREATE TABLE times (
    day DATE,
    length TIME,
    moment DATETIME(6),
    stamp TIMESTAMP NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP
);

CREATE VIEW tweet_view AS SELECT id, text, 1 AS one FROM tweet;
CREATE VIEW replied AS
SELECT t.id, r.text, r.one
FROM tweet t LEFT JOIN (SELECT tweet_id, text, 1 AS one FROM tweet_reply) r ON r.tweet_id = t.id;
CREATE VIEW quoted AS SELECT id, json_quote(id) AS q FROM tweet;
CREATE VIEW quoted_again AS SELECT id, q FROM quoted;
