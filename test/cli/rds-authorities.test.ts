import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readTarget } from '../../lib/settings/index.ts';

function authorities(databaseUrl: string) {
  const problems: string[] = [];
  const target = readTarget({ databaseUrl }, {}, problems);
  expect(problems).toEqual([]);
  return target?.database.caPem;
}

describe('certificate authorities', () => {
  it('of Amazon RDS are trusted for its servers, beside those that Node trusts', async () => {
    const load = authorities('postgres://app@orders.cluster-abc.eu-west-1.rds.amazonaws.com/orders');
    if (typeof load !== 'function') throw new Error('no authorities are loaded');
    const pem = await load();
    const subjects = pem
      .split(/(?=-----BEGIN CERTIFICATE-----)/)
      .map((certificate) => new X509Certificate(certificate).subject);
    expect(subjects.filter((subject) => /Amazon RDS eu-west-1 Root CA/.test(subject)).length).toBeGreaterThan(
      0,
    );
    expect(subjects.filter((subject) => /Amazon Root CA 1/.test(subject)).length).toBeGreaterThan(0);
  });

  it('are Node’s own for any other server, and none without TLS', () => {
    expect(authorities('postgres://app@db.example.com/orders')).toBeUndefined();
    expect(authorities('postgres://app@rds.amazonaws.com.example.com/orders')).toBeUndefined();
    expect(
      authorities('postgres://app@x.eu-west-1.rds.amazonaws.com/orders?sslmode=disable'),
    ).toBeUndefined();
  });
});
