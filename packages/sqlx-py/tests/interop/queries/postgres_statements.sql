SELECT id, text, owner_id, tags, status AS "status: String" FROM tweet
SELECT id AS "id!", text AS "text?", owner_id AS "owner_id!: i64", rating FROM tweet
SELECT id + $1 AS sum FROM tweet WHERE text LIKE $2 AND owner_id IS NOT DISTINCT FROM $3
SELECT $1::int AS a, $2::text AS b, $3::status AS "c: String", $4 || 'x' AS d
SELECT $1::positive AS a, $2::percentage AS b
SELECT $1 = ANY(tags) AS a, $2 = ANY($3::int[]) AS b FROM tweet
SELECT 1 AS one, 'x' AS text, NULL AS nothing, 1.5 AS "n: String", TRUE AS yes
SELECT 'é ü ☃ 𝄞' AS "naïve", E'\t\\' AS tab
SELECT a.id, b.id AS b_id FROM tweet a JOIN tweet_reply b ON b.tweet_id = a.id
SELECT a.id, b.id AS b_id FROM tweet a LEFT JOIN tweet_reply b ON b.tweet_id = a.id
SELECT a.id, b.id AS b_id FROM tweet a LEFT JOIN tweet b ON b.id = a.owner_id WHERE a.id = $1
SELECT a.id, b.id AS b_id FROM tweet a LEFT JOIN tweet b ON b.id = a.owner_id WHERE a.owner_id = $1
SELECT a.id, b.id AS b_id FROM tweet a RIGHT JOIN tweet_reply b ON b.tweet_id = a.id
SELECT a.id, b.id AS b_id FROM tweet a FULL JOIN tweet_reply b ON b.tweet_id = a.id
SELECT id, a.text, b.text AS b_text FROM tweet a FULL JOIN tweet_reply b USING (id)
SELECT a.id, b.text FROM tweet a LEFT JOIN tweet_reply b ON b.tweet_id = a.id ORDER BY a.id
SELECT a.id, b.text FROM tweet a LEFT JOIN tweet_reply b ON b.tweet_id = a.id LIMIT 1
SELECT DISTINCT a.id, b.text FROM tweet a LEFT JOIN tweet_reply b ON b.tweet_id = a.id
SELECT a.id, b.id AS b_id, c.id AS c_id FROM tweet a LEFT JOIN tweet_reply b ON b.tweet_id = a.id JOIN tweet c ON c.id = a.id
SELECT a.id, b.id AS b_id, c.id AS c_id FROM tweet a LEFT JOIN (tweet_reply b JOIN tweet c ON c.id = b.tweet_id) ON b.tweet_id = a.id
SELECT a.id, l.text FROM tweet a LEFT JOIN LATERAL (SELECT text FROM tweet_reply WHERE tweet_id = a.id LIMIT 1) l ON TRUE
SELECT a.id, b.text FROM tweet a CROSS JOIN tweet_reply b
SELECT text AS "text?" FROM (VALUES (1)) foo(id) LEFT JOIN tweet ON FALSE
SELECT owner_id, count(*) AS n, max(id) AS max FROM tweet GROUP BY owner_id HAVING count(*) > $1
SELECT count(*) AS n, coalesce(max(id), 0) AS max, bool_and(id > 1) AS all FROM tweet
SELECT row_number() OVER (ORDER BY id) AS n, lag(id) OVER w AS before, id FROM tweet WINDOW w AS (ORDER BY id)
SELECT CASE WHEN id > $1 THEN text ELSE 'none' END AS a, nullif(id, 1) AS b FROM tweet
SELECT (SELECT text FROM tweet_reply r WHERE r.tweet_id = t.id LIMIT 1) AS reply, EXISTS (SELECT 1 FROM tweet_reply) AS any, ARRAY(SELECT id FROM tweet) AS ids FROM tweet t
SELECT id FROM tweet UNION SELECT id FROM tweet_reply
SELECT id, text FROM tweet UNION ALL SELECT NULL, 'x' ORDER BY 1
SELECT id FROM tweet EXCEPT SELECT tweet_id FROM tweet_reply
VALUES (1, 'a'), (2, NULL)
WITH t AS (SELECT id, text FROM tweet) SELECT id, text FROM t
WITH t AS MATERIALIZED (SELECT a.id, b.text FROM tweet a LEFT JOIN tweet_reply b ON b.tweet_id = a.id) SELECT * FROM t
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < $1) SELECT n FROM t
WITH gone AS (DELETE FROM tweet_reply WHERE id = $1 RETURNING id, owner_id) SELECT id, owner_id FROM gone
INSERT INTO tweet (text, owner_id) VALUES ($1, $2)
INSERT INTO tweet (text, status, rating) VALUES ($1, $2, $3) RETURNING id, owner_id, status AS "status: String"
INSERT INTO tweet (text) SELECT unnest($1::text[]) ON CONFLICT (id) DO UPDATE SET text = excluded.text RETURNING id, tags
UPDATE tweet SET text = $2, tags = $3 WHERE id = $1 RETURNING id, text, owner_id
DELETE FROM tweet WHERE id = ANY($1) RETURNING id, rating
DELETE FROM tweet
SELECT * FROM tweet_view
SELECT id, text FROM tweet_view LEFT JOIN (SELECT 1 AS one) one ON TRUE
SELECT ROW('a', 1)::pair AS "pair: String", ARRAY[ROW('a', 1)::pair] AS "pairs: String"
SELECT $1::pair AS "pair: String", $2::pair[] AS "pairs: String", $3::nested AS "n: String"
SELECT '[1,2]'::floats AS "f: String", $1::floats AS "g: String", $2::int4range AS r
SELECT odd AS "odd: String", odds AS "odds: String", "Odd Column" AS n FROM other."Odd Table" WHERE odd = $1 AND odds = $2
SELECT tableoid AS "tableoid: String", ctid AS "ctid: String", t AS "t: String" FROM tweet t
SELECT a_bool, a_bytea, a_char AS "a_char: String", a_name, a_int2, an_oid AS "an_oid: String", a_json AS "a_json: String", a_jsonb AS "a_jsonb: String", a_point AS "a_point: String", a_cidr AS "a_cidr: String", an_inet AS "an_inet: String" FROM every_type
SELECT a_float4, a_float8, a_macaddr AS "a_macaddr: String", a_money AS "a_money: String", a_bpchar, a_varchar, a_date AS "a_date: String", a_time AS "a_time: String", a_timestamp AS "a_timestamp: String", a_timestamptz AS "a_timestamptz: String" FROM every_type
SELECT an_interval AS "an_interval: String", a_timetz AS "a_timetz: String", a_bit AS "a_bit: String", a_varbit AS "a_varbit: String", a_numeric AS "a_numeric: String", a_uuid AS "a_uuid: String", a_int4range AS "a: String", a_numrange AS "b: String", a_tstzrange AS "c: String" FROM every_type
SELECT a_jsonpath AS "a: String", a_tsvector AS "b: String", a_regclass AS "c: String", a_pg_lsn AS "d: String", an_xid AS "e: String", some_uuids AS "f: String", some_numerics AS "g: String", some_times AS "h: String", some_pairs AS "i: String", some_floats AS "j: String", some_rates AS "k: String" FROM every_type
INSERT INTO every_type (a_bool, a_jsonb, a_uuid, a_numeric, a_tsvector, some_pairs, some_rates) VALUES ($1, $2, $3, $4, $5, $6, $7)
SELECT now() AS "now: String", current_date AS "today: String", now() - $1 AS "then: String", $2::timestamptz AS "t: String"
SELECT generate_series(1, $1) AS n, unnest($2::text[]) AS t
SELECT num FROM generate_series(1, 3) AS series(num)
SELECT * FROM json_to_recordset($1) AS x(a INT, b TEXT)
SELECT x.id, x.text FROM unnest($1::tweet[]) x
SELECT id, text FROM tweet ORDER BY id LIMIT $1 OFFSET $2
SELECT id FROM tweet WHERE id = $1 FOR UPDATE
SELECT pg_advisory_xact_lock($1)
SELECT set_config('a.b', $1, TRUE) AS set, current_setting('a.b', TRUE) AS got
SELECT int2vector '1 2' AS "v: String", '{}'::regclass[] AS "r: String", xmin AS "x: String" FROM tweet
SHOW search_path
CREATE TEMPORARY TABLE made (id INT)
LISTEN channel
DECLARE c CURSOR FOR SELECT 1
DELETE FROM tweet WHERE CURRENT OF c
MERGE INTO tweet t USING tweet_reply r ON t.id = r.tweet_id WHEN MATCHED THEN DELETE
SELECT id FROM tweet TABLESAMPLE SYSTEM (10)
SELECT most_common_vals AS "v: String", tablename AS "t: String" FROM pg_stats
SELECT ($1::tweet).id AS a, ($2::pair).value AS b
SELECT NULL::record AS "m: String", 'a'::cstring AS "c: String", $1::floats AS "f: String"
-- only a comment
