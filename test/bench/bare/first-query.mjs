/** The least that a program can do that asks a database something. Arguments: folder, which is not looked at; URL. */
import pg from 'pg';

const client = new pg.Client({ connectionString: process.argv[3] });
await client.connect();
await client.query('SELECT 1');
await client.end();
