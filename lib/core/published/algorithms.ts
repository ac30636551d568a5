/** Those of KMS that sign a SHA-256: keys of the specs ECC_NIST_P256, ECC_SECG_P256K1 and RSA. */
export const SIGNING_ALGORITHMS = [
  'ECDSA_SHA_256',
  'RSASSA_PSS_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_256',
] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];
