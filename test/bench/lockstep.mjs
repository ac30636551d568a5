/** The gate, as an app calls it at its start, from the package as it is built (see frame/built.ts). */
const { migrateOnStartup } = await import(`${process.env.LOCKSTEP_DIST}/gate.js`);

export const up = (migrations, databaseUrl) => migrateOnStartup({ migrations, databaseUrl });
