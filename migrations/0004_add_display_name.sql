-- First of three steps that replace first_name and last_name by display_name. Instances of the old app version
-- go on writing the two columns, so a trigger fills the new one until the contract step.
ALTER TABLE users ADD COLUMN display_name text;

CREATE FUNCTION users_fill_display_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.display_name := coalesce(NEW.display_name, NEW.first_name || ' ' || NEW.last_name);
  RETURN NEW;
END
$$;

CREATE TRIGGER users_fill_display_name BEFORE INSERT OR UPDATE ON users
FOR EACH ROW EXECUTE FUNCTION users_fill_display_name();
