ALTER TABLE table_8 ADD COLUMN size BIGINT;
INSERT INTO applied (version) VALUES (9);
