-- Last of the three steps: every running instance reads and writes display_name by now.
ALTER TABLE users ADD CONSTRAINT users_display_name_present CHECK (display_name IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_display_name_present;
ALTER TABLE users ALTER COLUMN display_name SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_display_name_present;

DROP TRIGGER users_fill_display_name ON users;
DROP FUNCTION users_fill_display_name();

ALTER TABLE users DROP COLUMN first_name, DROP COLUMN last_name;
