/** What is released in the scenarios: an app for orders, and what its next versions bring. */
import type { Files } from '../demo/releases.ts';

export const ORDERS: Files = {
  '0001_create_orders.sql': `CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  placed_at timestamptz NOT NULL DEFAULT now(),
  shipped_at timestamptz
);
`,
  '0001_create_orders.down.sql': 'DROP TABLE orders;\n',
};

export const ORDERS_WITH_NOTES: Files = {
  ...ORDERS,
  '0002_create_notes.sql': `CREATE TABLE notes (
  order_id bigint NOT NULL REFERENCES orders,
  text text NOT NULL
);
`,
  '0002_create_notes.down.sql': 'DROP TABLE notes;\n',
};

/** The last one fails at its second statement. */
export const MISSPELT: Files = {
  ...ORDERS_WITH_NOTES,
  '0003_mark_late_orders.sql': `ALTER TABLE orders ADD COLUMN late boolean NOT NULL DEFAULT false;
UPDATE orders SET late = true
WHERE shippedat IS NULL;
`,
  '0003_mark_late_orders.down.sql': 'ALTER TABLE orders DROP COLUMN late;\n',
};

/** Data is lost that no down script brings back. */
export const FORGETTING: Files = {
  ...ORDERS,
  '0002_forget_shipping.sql': 'UPDATE orders SET shipped_at = NULL;\n',
};

/** What the old version used is taken away. */
export const DROPPING: Files = {
  ...ORDERS,
  '0002_drop_shipped_at.contract.sql': 'ALTER TABLE orders DROP COLUMN shipped_at;\n',
};

/** What the old version used is taken away when the new one has been well for a while. */
export const RENAMING: Files = {
  ...ORDERS_WITH_NOTES,
  '0003_drop_shipped_at.contract.sql': 'ALTER TABLE orders DROP COLUMN shipped_at;\n',
};
