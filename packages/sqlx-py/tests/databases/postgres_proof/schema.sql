-- The tables of SQLx's own tests, and what is needed for the traps.
CREATE TYPE status AS ENUM ('new', 'open', 'closed');
CREATE TYPE pair AS (one int, other int);
CREATE DOMAIN filled AS text NOT NULL;
CREATE TABLE tweet (
    id bigserial PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    text text NOT NULL,
    owner_id bigint
);
CREATE TABLE tweet_reply (
    id bigserial PRIMARY KEY,
    tweet_id bigint NOT NULL REFERENCES tweet,
    created_at timestamptz NOT NULL DEFAULT now(),
    text text NOT NULL,
    owner_id bigint
);
CREATE TABLE products (product_no int, name text, price numeric CHECK (price > 0));
CREATE VIEW tweet_view AS SELECT id, text, owner_id FROM tweet;
CREATE VIEW replied AS
    SELECT a.id, b.id AS reply, b.text FROM tweet a LEFT JOIN tweet_reply b ON b.tweet_id = a.id;
CREATE VIEW replied_twice AS
    SELECT v.id, r.reply FROM tweet_view v LEFT JOIN replied r ON r.id = v.owner_id;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM tweet;
INSERT INTO tweet (text, owner_id) VALUES ('one', NULL), ('two', 1), ('three', 9);
INSERT INTO tweet_reply (tweet_id, text, owner_id) VALUES (1, 'reply', NULL);
INSERT INTO products VALUES (NULL, NULL, NULL), (1, 'one', 2.5);

CREATE TABLE empty_one (id int NOT NULL, v int NOT NULL);
CREATE TABLE things (
    id int PRIMARY KEY,
    x int,
    name text NOT NULL,
    list int[] NOT NULL,
    two pair NOT NULL,
    filled filled,
    is_new boolean,
    document jsonb NOT NULL,
    doubled int GENERATED ALWAYS AS (id * 2) STORED NOT NULL
);
INSERT INTO things VALUES
    (1, NULL, 'a', '{1,NULL}', (NULL, 1), 'f', NULL, 'null'),
    (2, 5, 'b', '{}', (1, 2), 'g', true, '{"a": null}');

-- NOT NULL that is not checked.
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere;
CREATE FOREIGN TABLE far (id int NOT NULL) SERVER elsewhere;
CREATE TABLE halves (id int NOT NULL) PARTITION BY LIST (id);
CREATE TABLE half_here PARTITION OF halves FOR VALUES IN (1);
CREATE TABLE wholes (id int NOT NULL) PARTITION BY LIST (id);
CREATE TABLE whole_here PARTITION OF wholes DEFAULT;
INSERT INTO wholes VALUES (1);
CREATE FOREIGN TABLE half_far PARTITION OF halves DEFAULT SERVER elsewhere;
CREATE TABLE family (id int, name text NOT NULL);
CREATE TABLE child () INHERITS (family);
INSERT INTO child VALUES (NULL, 'child');

-- Who changes rows, and what comes back.
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.text := NULL; NEW.owner_id := NULL; RETURN NEW; END $$;
CREATE VIEW forgetful AS SELECT id, text, owner_id FROM tweet;
CREATE TRIGGER forget INSTEAD OF INSERT OR UPDATE ON forgetful
    FOR EACH ROW EXECUTE FUNCTION forget();
CREATE TABLE ruled (id int NOT NULL);
CREATE TABLE triggered (id int NOT NULL, x int);
CREATE RULE instead AS ON INSERT TO ruled DO INSTEAD
    INSERT INTO triggered VALUES (NEW.id) RETURNING x;
CREATE FUNCTION set_x() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.x := NULL; RETURN NEW; END $$;
CREATE TRIGGER set_x BEFORE INSERT OR UPDATE ON triggered
    FOR EACH ROW EXECUTE FUNCTION set_x();
CREATE VIEW xs AS SELECT id, x FROM things WHERE x IS NOT NULL;

-- Functions of the user's: strict says nothing of what comes back.
CREATE FUNCTION lower(int) RETURNS text STRICT LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION loose(int) RETURNS bool LANGUAGE sql AS 'SELECT $1 IS NULL';
CREATE FUNCTION strict(int) RETURNS bool STRICT LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION unequal(pair, pair) RETURNS bool LANGUAGE sql AS 'SELECT NULL::bool';
CREATE OPERATOR === (LEFTARG = pair, RIGHTARG = pair, FUNCTION = unequal);
CREATE AGGREGATE count(pair) (SFUNC = array_append, STYPE = pair[]);
CREATE FUNCTION each(pair, pair) RETURNS SETOF int LANGUAGE sql AS 'VALUES (1), (NULL)';
CREATE OPERATOR <=> (LEFTARG = pair, RIGHTARG = pair, FUNCTION = each);
