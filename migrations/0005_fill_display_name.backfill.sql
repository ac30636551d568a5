-- lockstep: statement-timeout=5min
UPDATE users SET display_name = first_name || ' ' || last_name WHERE display_name IS NULL;
