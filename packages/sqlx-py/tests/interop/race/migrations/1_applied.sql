CREATE TABLE applied (version BIGINT NOT NULL);
INSERT INTO applied (version) VALUES (1);
