SELECT * FROM tweet
SELECT ? AS `a: String`
SELECT ? AS `a: String`, ? + 1 AS `b: String`, CONCAT(?, 'x') AS c, COALESCE(owner_id, ?) AS `d: String`, id FROM tweet WHERE id = ? LIMIT ?
SELECT CAST(? AS SIGNED) AS n, CAST(? AS CHAR) AS c, CAST(? AS BINARY) AS b
SELECT 1 + 10 AS a, 5.12 * 2 AS `b: String`, 'Hello' AS c, x'deadbeef' AS d, null AS `e: String`
SELECT 'é ü ☃ 𝄞' AS `naïve`, '	tab' AS tab
SELECT tiny, tiny_unsigned, small, small_unsigned, medium, medium_unsigned, plain, plain_unsigned, big, big_unsigned, year, single, twice, exact AS `exact: String`, bit_1, bit_64 FROM numbers
SELECT SUM(plain) AS `a: String`, AVG(big) AS `b: String`, MAX(year) AS c, COUNT(*) AS d, plain + 1 AS e, plain / 2 AS `f: String`, plain % 2 AS g, exact * 2 AS `h: String`, single * 2 AS i, big_unsigned + 1 AS j, -tiny AS k FROM numbers
SELECT BIT_AND(plain) AS a, BIT_COUNT(plain) AS b, plain & 1 AS c, plain DIV 2 AS d, ~plain AS e FROM numbers
SELECT fixed, called, latin, by_bytes, tiny, plain, medium, long_, json AS `json: String`, tier, tags FROM texts
SELECT UPPER(called) AS a, tier + 0 AS b, CONCAT(tier, 'x') AS c, CAST(called AS BINARY) AS d, HEX(called) AS e, JSON_OBJECT('a', 1) AS `f: String`, LENGTH(called) AS g, GROUP_CONCAT(called) AS h FROM texts
SELECT fixed, called, tiny, plain, medium, long_, place AS `place: String` FROM bytes
SELECT UNHEX('00') AS a, ST_X(place) AS b, MD5(called) AS c, LENGTH(long_) AS d FROM bytes
SELECT day AS `a: String`, length AS `b: String`, moment AS `c: String`, stamp AS `d: String` FROM times
SELECT NOW() AS `a: String`, CURRENT_DATE AS `b: String`, DATE(moment) AS `c: String`, TIMEDIFF(moment, moment) AS `d: String`, day + INTERVAL 1 DAY AS `e: String`, YEAR(day) AS f, UNIX_TIMESTAMP(stamp) AS `g: String` FROM times
SELECT id = 1 AS a, EXISTS (SELECT 1) AS b, id IS NULL AS c, NOT id AS d, owner_id > 1 AS e, 1 AS f, 10 AS g, TRUE AS h FROM tweet
SELECT is_sent AS `is_sent: bool`, is_sent AS plain FROM tweet
INSERT INTO tweet (id, text) VALUES (2, 'Hello')
INSERT INTO tweet (text) VALUES (?), (?)
INSERT INTO tweet (id, text) VALUES (?, ?) ON DUPLICATE KEY UPDATE text = VALUES(text)
UPDATE accounts SET is_active = true WHERE name = ?
DELETE FROM accounts WHERE id = ?
DELETE FROM accounts
REPLACE accounts (id, name) VALUES (1, 'a')
SET @a = 1
CALL nothing()
TRUNCATE TABLE tweet_reply
SELECT accounts.id FROM accounts
SELECT tweet.id FROM accounts LEFT JOIN tweet ON owner_id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts LEFT JOIN tweet ON owner_id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts RIGHT JOIN tweet ON owner_id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts INNER JOIN tweet ON tweet.id = accounts.id
SELECT tweet.id, accounts.id AS a_id FROM accounts CROSS JOIN tweet
SELECT t.id, d.one, d.one + 1 AS two FROM tweet t LEFT JOIN (SELECT tweet_id, 1 AS one FROM tweet_reply) d ON d.tweet_id = t.id
WITH d AS (SELECT tweet_id, 1 AS one FROM tweet_reply) SELECT t.id, d.one FROM tweet t LEFT JOIN d ON d.tweet_id = t.id
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n
SELECT id FROM accounts GROUP BY id
SELECT id, COUNT(*) AS n FROM tweet GROUP BY id WITH ROLLUP
SELECT owner_id, MAX(id) AS m, MIN(text) AS t, COUNT(*) AS n FROM tweet GROUP BY owner_id HAVING n > ?
SELECT COALESCE(SUM(is_sent), 0) AS `n: String` FROM tweet
SELECT id FROM tweet UNION SELECT id FROM tweet_reply
SELECT id FROM tweet UNION ALL SELECT owner_id FROM tweet
SELECT id FROM tweet INTERSECT SELECT owner_id FROM tweet
SELECT * FROM tweet_view
SELECT t.id, v.one AS `one!` FROM tweet t LEFT JOIN tweet_view v ON v.id = t.owner_id
SELECT * FROM accounts_view WHERE id = ?
SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n, SUM(owner_id) OVER () AS `s: String`, LAG(text) OVER (ORDER BY id) AS before_ FROM tweet
SELECT IF(id > 1, 'a', NULL) AS a, IFNULL(owner_id, 0) AS b, CASE id WHEN 1 THEN 'x' ELSE 'y' END AS c, NULLIF(id, 1) AS d FROM tweet
SELECT owner_id AS `owner_id!`, id AS `id?`, owner_id AS `o!: i64`, id AS `i?: i64` FROM tweet
SELECT 1 || 2 AS joined, count (*) AS n
