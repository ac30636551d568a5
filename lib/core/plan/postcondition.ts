/**
 * How to tell from the catalogs whether a statement that ran outside a transaction has done its work. Names are
 * looked up as the statement would: under the login's search_path where it gives no schema.
 *
 * `repeatable` statements (VACUUM, ALTER SYSTEM …) may simply run again; `unknown` ones stop a recovery.
 */
import * as z from 'zod';

const schema = z.string().optional();

export const postconditionSchema = z.discriminatedUnion('kind', [
  /** `schema` is the table's, in which the index is, too. */
  z.object({ kind: z.literal('index-valid'), schema, table: z.string(), index: z.string() }),
  z.object({ kind: z.literal('index-absent'), schema, index: z.string() }),
  /** REINDEX … CONCURRENTLY: may run again, when the INVALID indexes are gone that a broken-off one left. */
  z.object({
    kind: z.literal('reindexed'),
    of: z.enum(['relation', 'schema', 'database']),
    schema,
    /** Of the index or the table. */
    name: z.string().optional(),
  }),
  z.object({
    kind: z.literal('partition-detached'),
    schema,
    table: z.string(),
    partitionSchema: schema,
    partition: z.string(),
  }),
  z.object({
    kind: z.enum(['object-present', 'object-absent']),
    of: z.enum(['database', 'tablespace']),
    name: z.string(),
  }),
  z.object({ kind: z.literal('repeatable') }),
  z.object({ kind: z.literal('unknown') }),
]);
export type Postcondition = z.infer<typeof postconditionSchema>;
