-- The first floor of smally: who may ask, with which keys, and what was counted.
--
-- This file never changes once it has landed: every deployed database remembers its
-- checksum. What the service needs later arrives as new migrations.
-- Plain PostgreSQL 13 and later, no extension.

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Kept as it was typed; users_email_key below compares without regard to case.
    email text NOT NULL,
    role text NOT NULL DEFAULT 'user',
    -- Only the name: the limits behind it are the service's, in one place.
    tier text NOT NULL DEFAULT 'free',
    -- A user is switched off, not deleted: what was counted stays.
    is_active boolean NOT NULL DEFAULT TRUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Set by whoever changes the row, in the same statement.
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_check
        CHECK (email LIKE '_%@%_' AND email = btrim(email) AND length(email) <= 320),
    CONSTRAINT users_role_check CHECK (role IN ('user', 'admin')),
    CONSTRAINT users_tier_check CHECK (tier IN ('free', 'pro', 'scale'))
);

-- Finds a user as well: WHERE lower(email) = lower($1).
CREATE UNIQUE INDEX users_email_key
    ON users (lower(email));

CREATE TABLE api_keys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A key is nothing without its owner. A user with counted usage cannot be deleted
    -- all the same: usage_key_fkey below refuses.
    user_id bigint NOT NULL
        CONSTRAINT api_keys_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    -- SHA-256 of the whole key. The key itself is shown once and stored nowhere.
    key_hash bytea NOT NULL,
    -- The first characters, to tell keys apart on a page.
    prefix text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Written now and then for many keys at once, never for each request.
    last_used_at timestamptz,
    revoked_at timestamptz,
    -- One truth, two names: a key cannot be active and revoked.
    is_active boolean NOT NULL GENERATED ALWAYS AS (revoked_at IS NULL) STORED,
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_key_hash_check CHECK (octet_length(key_hash) = 32),
    -- Too short for a whole key, so that none can be stored here by mistake.
    CONSTRAINT api_keys_prefix_check CHECK (length(prefix) BETWEEN 1 AND 16),
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
    -- For usage_key_fkey, which holds a counted row to the owner of its key.
    CONSTRAINT api_keys_id_user_id_key UNIQUE (id, user_id)
);

-- A user's keys, and the cascade from users.
CREATE INDEX api_keys_user_id_idx
    ON api_keys (user_id);

-- One row for each request that was counted, written once and never changed: processes
-- that only insert have no row to fight for, where a counter that all of them update
-- would be one hot row. Sums are read from here, and what a limit has left is rebuilt
-- from here.
CREATE TABLE usage (
    user_id bigint NOT NULL,
    key_id bigint NOT NULL,
    -- Chosen by the client, so that a retry is counted once, or by the service.
    request_id text NOT NULL,
    -- SHA-256 of what was asked for: the same id with another body is refused.
    request_hash bytea NOT NULL,
    -- What is counted: a request holds one text or a batch.
    texts integer NOT NULL,
    -- The moment for which the limits were checked, so that a request admitted before
    -- midnight and stored after it counts for the day that let it in.
    counted_at timestamptz NOT NULL DEFAULT now(),
    -- INSERT ... ON CONFLICT DO NOTHING RETURNING tells a first request from a retry.
    -- Several rows in one statement go in this order: two processes with the same
    -- retries would otherwise wait for each other.
    CONSTRAINT usage_pkey PRIMARY KEY (user_id, request_id),
    -- One foreign key guards both columns: a key, and the owner it belongs to.
    -- What was counted outlives the wish to delete a key or a user: revoke the one,
    -- switch off the other.
    CONSTRAINT usage_key_fkey FOREIGN KEY (key_id, user_id)
        REFERENCES api_keys (id, user_id) ON DELETE RESTRICT,
    CONSTRAINT usage_request_id_check CHECK (length(request_id) BETWEEN 1 AND 128),
    CONSTRAINT usage_request_hash_check CHECK (octet_length(request_hash) = 32),
    CONSTRAINT usage_texts_check CHECK (texts > 0)
);

-- The last minute's requests, today's texts, and the days of a month by key: each is
-- one range of this index, and none of them needs the table.
CREATE INDEX usage_user_id_counted_at_idx
    ON usage (user_id, counted_at) INCLUDE (key_id, texts);

COMMENT ON TABLE users IS
    'Who may use the service; role admin may manage users, tiers and keys';
COMMENT ON COLUMN users.tier IS
    'Names the limits: requests a minute and texts a day';
COMMENT ON TABLE api_keys IS
    'API keys by SHA-256; a key is active until revoked_at is set';
COMMENT ON TABLE usage IS
    'One row for each counted request, insert only; days are days of UTC';
