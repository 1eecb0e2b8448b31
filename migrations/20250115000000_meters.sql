-- sqlx: compatible
--
-- What each user has used of the two limits: requests a minute, texts a day. One row a
-- user, written once for all requests that a process counts together, in the statement
-- that inserts their rows of usage: limit and count hold both, or neither.
--
-- An older release counts without it, so this file does not stop one from starting.

CREATE TABLE meters (
    user_id bigint PRIMARY KEY
        CONSTRAINT meters_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    -- A minute begins with its first request and ends 60 seconds later.
    minute_started_at timestamptz NOT NULL,
    minute_requests integer NOT NULL,
    -- A day is a day of UTC.
    day date NOT NULL,
    day_texts bigint NOT NULL,
    CONSTRAINT meters_minute_requests_check CHECK (minute_requests >= 0),
    CONSTRAINT meters_day_texts_check CHECK (day_texts >= 0)
)
-- Half of each page stays free, so that a new version of a row stays on its page.
WITH (fillfactor = 50);

COMMENT ON TABLE meters IS
    'What each user has used of the limits of the tier; usage has what is billed';
