UPDATE users SET display_name = first_name || ' ' || last_name
WHERE lockstep.batch(id) AND display_name IS NULL;
