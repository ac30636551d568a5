ALTER TABLE users ADD COLUMN first_name text, ADD COLUMN last_name text;

UPDATE users SET first_name = split_part(display_name, ' ', 1),
                 last_name = substr(display_name, length(split_part(display_name, ' ', 1)) + 2);

ALTER TABLE users ALTER COLUMN first_name SET NOT NULL, ALTER COLUMN last_name SET NOT NULL,
                  ALTER COLUMN display_name DROP NOT NULL;

CREATE FUNCTION users_fill_display_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.display_name := coalesce(NEW.display_name, NEW.first_name || ' ' || NEW.last_name);
  RETURN NEW;
END
$$;

CREATE TRIGGER users_fill_display_name BEFORE INSERT OR UPDATE ON users
FOR EACH ROW EXECUTE FUNCTION users_fill_display_name();
