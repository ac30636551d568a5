CREATE INDEX CONCURRENTLY tasks_open_by_assignee ON tasks (assignee_id, due_on) WHERE NOT done;
