/**
 * A steady load, as an app makes it: so many operations a second, whether the server keeps up or not, each on a row of
 * its own choice; one in four changes it, the others read it. Arguments: URL, rows, operations a second. Runs until its
 * input ends, and prints the latencies in milliseconds as JSON; they count from when an operation was due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const [url = '', rows = '1', perSecond = '100'] = process.argv.slice(2);
const CONNECTIONS = 8;
const READ = 'SELECT balance FROM accounts WHERE id = $1';
const WRITE = 'UPDATE accounts SET balance = balance + 1 WHERE id = $1';

let over = false;
process.stdin.resume().once('end', () => {
  over = true;
});
const everyMs = 1000 / Number(perSecond);
const startedMs = performance.now();
const latencies = [];
let begun = 0;

async function work(client) {
  while (!over) {
    const dueMs = startedMs + begun * everyMs;
    const isWrite = begun % 4 === 0;
    begun += 1;
    const earlyMs = dueMs - performance.now();
    if (earlyMs > 0) await sleep(earlyMs);
    const id = 1 + Math.floor(Math.random() * Number(rows));
    await client.query({ text: isWrite ? WRITE : READ, name: isWrite ? 'write' : 'read', values: [id] });
    latencies.push(performance.now() - dueMs);
  }
}

const clients = Array.from({ length: CONNECTIONS }, () => new pg.Client({ connectionString: url }));
await Promise.all(clients.map((client) => client.connect()));
console.log('ready');
await Promise.all(clients.map(work));
await Promise.all(clients.map((client) => client.end()));
console.log(JSON.stringify(latencies.map((ms) => Math.round(ms * 100) / 100)));
process.exit();
