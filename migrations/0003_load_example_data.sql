-- Enough rows for the later steps to have something to do.
INSERT INTO workspaces (name, slug)
SELECT 'Workspace ' || n, 'workspace-' || n FROM generate_series(1, 40) AS n;

INSERT INTO users (email, first_name, last_name)
SELECT 'user' || n || '@example.com',
       (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald'])[1 + n % 5],
       (ARRAY['Lovelace', 'Hopper', 'Dijkstra', 'Liskov', 'Knuth', 'Hamilton', 'Turing'])[1 + n % 7]
FROM generate_series(1, 5000) AS n;

INSERT INTO memberships (workspace_id, user_id, role)
SELECT 1 + u.id % 40, u.id, CASE WHEN u.id <= 40 THEN 'owner' ELSE 'member' END FROM users AS u;

INSERT INTO projects (workspace_id, name)
SELECT 1 + n % 40, 'Project ' || n FROM generate_series(1, 200) AS n;

INSERT INTO tasks (project_id, assignee_id, title, done, due_on)
SELECT 1 + n % 200, 1 + n % 5000, 'Task ' || n, n % 3 = 0, DATE '2026-01-01' + n % 365
FROM generate_series(1, 20000) AS n;
