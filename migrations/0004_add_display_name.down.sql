DROP TRIGGER users_fill_display_name ON users;
DROP FUNCTION users_fill_display_name();
ALTER TABLE users DROP COLUMN display_name;
