INSERT INTO applied (version) VALUES (6);
