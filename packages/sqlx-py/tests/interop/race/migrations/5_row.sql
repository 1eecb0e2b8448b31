INSERT INTO applied (version) VALUES (5);
