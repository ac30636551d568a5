/**
 * Bundles that a build publishes in S3, beside the one that is deployed with the functions.
 *
 *   build ─ publish ─► object, one version of it ─► address ─► the run's input ─► every function that needs the bundle
 *            sign ─► KMS                                                           read ► size ► SHA-256 ► signature ► parse
 *
 * Invariants
 * - An address names bytes, not a place: the object's version and the SHA-256 of its content. Nothing newer under the
 *   same key is ever read, and nothing is parsed that has not this digest.
 * - The key that a signature is checked with is the coordinator's setting; it is never taken from an address or an object.
 * - What is signed names the SHA-256 of the object's bytes and what that is of: anybody who has the public key can check
 *   it, and no signature made for another purpose passes.
 *
 * Who is authoritative: the run's input for which bundle it is; S3 for the bytes; the coordinator for where they may come
 * from and who has to have signed them.
 *
 * What can fail: LS209, LS214 to LS219, LS730 to LS734. All of it before the first statement: nothing was changed then.
 */
export * from './address.ts';
export * from './algorithms.ts';
export * from './checked.ts';
export * from './ports.ts';
export * from './publish.ts';
export * from './pushed.ts';
