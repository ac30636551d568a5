TRUNCATE tasks, projects, memberships, users, workspaces RESTART IDENTITY;
