SELECT * FROM tweet
SELECT ?1 AS "a: String"
SELECT CAST(?1 AS REAL) AS a
SELECT 1 + 10 AS a, 5.12 * 2 AS b, 'Hello' AS c, x'deadbeef' AS d, null AS "e: String"
SELECT 'é ü ☃ 𝄞' AS "naïve", '	tab' AS tab
SELECT an_int4, an_int8, a_bool, a_date AS "a_date: String", a_time AS "a_time: String", a_datetime AS "a_datetime: String", a_timestamp AS "a_timestamp: String", a_varchar, a_clob, a_blob, a_real, a_float, a_double FROM every_type
SELECT an_int4 + 1 AS a, a_date AS "b: String", lower(a_varchar) AS "c: String", a_real * 2 AS d FROM every_type
SELECT product_no, name, price AS "price: String" FROM products
INSERT INTO tweet (id, text) VALUES (2, 'Hello')
INSERT INTO tweet (id, text) VALUES ($1, $2) RETURNING *
INSERT INTO accounts (name, is_active) VALUES ('a', true) RETURNING id
INSERT INTO tweet (id, text) VALUES (3, 'Hello'); SELECT last_insert_rowid() AS id
UPDATE accounts SET is_active = true WHERE name = ?1 RETURNING id
UPDATE accounts SET is_active = true WHERE id = ?1 RETURNING *
DELETE FROM accounts WHERE name = ?1 RETURNING id
DELETE FROM accounts
SELECT accounts.id FROM accounts
SELECT tweet.id FROM accounts LEFT JOIN tweet ON owner_id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts LEFT JOIN tweet ON owner_id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts LEFT JOIN tweet ON tweet.id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts INNER JOIN tweet ON tweet.id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts CROSS JOIN tweet
SELECT id FROM accounts GROUP BY id
SELECT name FROM accounts GROUP BY 1 LIMIT -1 OFFSET 1
SELECT sum(id) AS a, sum(is_sent) AS b FROM tweet GROUP BY owner_id
SELECT count(1) AS n FROM accounts
SELECT sum(is_sent) AS n FROM tweet
SELECT coalesce(sum(is_sent), 0) AS n FROM tweet
SELECT min(id) AS a, max(text) AS b, avg(owner_id) AS c, total(id) AS d FROM tweet
SELECT group_concat(text) AS "t: String" FROM tweet
SELECT * FROM (SELECT 'a' AS a, NULL AS "b: String")
WITH cte AS (SELECT 'a' AS a, NULL AS "b: String") SELECT * FROM cte
WITH cte AS MATERIALIZED (SELECT * FROM tweet) SELECT * FROM cte
WITH RECURSIVE cte(a, b) AS (SELECT 'a', NULL UNION ALL SELECT a || a, NULL FROM cte WHERE length(a) < 3) SELECT a, b AS "b: String" FROM cte
SELECT * FROM (SELECT * FROM tweet) ORDER BY owner_id DESC, text ASC
SELECT 'a' AS a, text FROM tweet ORDER BY text DESC NULLS LAST
SELECT text, is_sent FROM tweet ORDER BY id LIMIT 10000
SELECT owner_id FROM tweet ORDER BY id LIMIT 10
SELECT owner_id FROM tweet WHERE owner_id IS NOT NULL
SELECT owner_id, text FROM tweet WHERE owner_id = ? ORDER BY text
SELECT 'txt' AS a, 'a' AS b, null AS "c: String", 'b' AS d UNION ALL SELECT 'int', NULL, 1, 2
SELECT 'tweet' AS a, text AS b, owner_id AS id, null AS "c: String" FROM tweet UNION SELECT 'account', name, id, is_active FROM accounts ORDER BY id
SELECT true AS a FROM (SELECT true) a ORDER BY true
SELECT true AS a FROM tweet j LIMIT 10 OFFSET 1000000
SELECT id FROM tweet EXCEPT SELECT owner_id FROM tweet
SELECT a.id, b.text FROM tweet a FULL JOIN tweet_reply b ON b.tweet_id = a.id
SELECT id, v FROM without_rowid
SELECT a, b, c FROM generated
SELECT a.id, b.id AS b_id FROM tree a LEFT JOIN tree b ON b.id = a.parent
SELECT coalesce(owner_id, 0) IS NULL AS "a: bool", text || 'a' AS "b: String" FROM tweet
SELECT EYH.id, count(EYH.id) AS n FROM accounts EYH
SELECT sum(tweet.text) AS s FROM (SELECT NULL FROM accounts_view LIMIT -1 OFFSET 1) CROSS JOIN tweet
SELECT date() AS a, time('now') AS b, datetime('now', 'start of month') AS c, julianday(:d) AS d
SELECT strftime('%s', 'now') AS a, unixepoch() AS b
SELECT row_number() OVER () AS a, rank() OVER () AS b, ntile(1) OVER () AS c FROM accounts
SELECT percent_rank() OVER () AS a, lag(id) OVER () AS b, first_value(name) OVER () AS c FROM accounts
SELECT id, name, is_active FROM accounts WHERE id = ?
SELECT id, name, is_active FROM accounts_view
SELECT 10 AS _1, 'Hello' AS _2, is_active, name, id + 5 AS id_p FROM accounts WHERE id = 1
SELECT 'Hello, world!' AS string WHERE 'Hello, world!' IN (?, ?, ?, ?, ?, ?, ?)
SELECT owner_id AS `owner_id!`, text AS `text?` FROM tweet
SELECT rowid AS r, a FROM an_alias
SELECT rowid, a FROM not_an_alias
SELECT CASE WHEN id > ? THEN text ELSE 'none' END AS a, id IS NULL AS b, iif(id, 1, 2) AS c FROM tweet
SELECT EXISTS (SELECT 1 FROM tweet WHERE id = $1) AS e, (SELECT count(*) FROM tweet_reply) AS n
SELECT id FROM tweet WHERE text LIKE $1 AND id BETWEEN $2 AND $3 AND owner_id IN (SELECT id FROM accounts)
SELECT 9223372036854775807 AS big, -1 AS small, 1 / 0 AS "none: String"
PRAGMA user_version
CREATE TABLE made (id INT)
-- only a comment
