CREATE TABLE table_4 (id BIGINT PRIMARY KEY, note VARCHAR(80));
CREATE INDEX table_4_note ON table_4 (note);
