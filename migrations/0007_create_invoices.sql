CREATE TABLE invoices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workspace_id bigint NOT NULL REFERENCES workspaces,
  number text NOT NULL UNIQUE,
  amount_cents bigint NOT NULL CHECK (amount_cents >= 0),
  currency char(3) NOT NULL,
  issued_on date NOT NULL,
  paid_at timestamptz
);

CREATE INDEX invoices_by_workspace ON invoices (workspace_id, issued_on);
