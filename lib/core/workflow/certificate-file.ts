/** Certificate authorities of Amazon RDS (PEM), beside the code of each function: written when it is bundled. */
export const RDS_CA_FILE = './rds-ca.pem';
