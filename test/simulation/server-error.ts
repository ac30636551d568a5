import pg from 'pg';

/** As the driver throws it. */
export const serverError = (code: string, message: string): Error =>
  Object.assign(new pg.DatabaseError(message, 0, 'error'), { code });
