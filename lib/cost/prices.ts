/**
 * List prices of one Region, without free tiers and discounts. They change: look them up where `page` says before a
 * decision rests on them, and write the day here.
 */
export const REGION = 'US East (N. Virginia), us-east-1';
export const AS_OF = '2026-11-21';

export interface Price {
  readonly dollars: number;
  /** How many units that is for. */
  readonly per: number;
  readonly unit: string;
  readonly page: string;
  /** Where the number was read. */
  readonly read: string;
}

export const PRICES = {
  transitions: {
    dollars: 0.025,
    per: 1_000,
    unit: 'state transitions of a Standard workflow',
    page: 'https://aws.amazon.com/step-functions/pricing/',
    read: 'a copy of that page',
  },
  calls: {
    dollars: 0.2,
    per: 1_000_000,
    unit: 'calls of a function',
    page: 'https://aws.amazon.com/lambda/pricing/',
    read: 'secondary sources',
  },
  gbSeconds: {
    dollars: 0.0000133334,
    per: 1,
    unit: 'GB-second of a function on Arm',
    page: 'https://aws.amazon.com/lambda/pricing/',
    read: 'secondary sources',
  },
  writes: {
    dollars: 0.625,
    per: 1_000_000,
    unit: 'write request units, on demand',
    page: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
    read: 'secondary sources',
  },
  reads: {
    dollars: 0.125,
    per: 1_000_000,
    unit: 'read request units, on demand',
    page: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
    read: 'secondary sources',
  },
  vcpuHours: {
    dollars: 0.04048,
    per: 1,
    unit: 'vCPU-hour of Fargate, Linux on x86',
    page: 'https://aws.amazon.com/fargate/pricing/',
    read: 'not looked up',
  },
  gbHours: {
    dollars: 0.004445,
    per: 1,
    unit: 'GB-hour of Fargate, Linux on x86',
    page: 'https://aws.amazon.com/fargate/pricing/',
    read: 'not looked up',
  },
  events: {
    dollars: 1,
    per: 1_000_000,
    unit: 'custom events of EventBridge',
    page: 'https://aws.amazon.com/eventbridge/pricing/',
    read: 'not looked up',
  },
  looksAtAlarms: {
    dollars: 0.01,
    per: 1_000,
    unit: 'requests to CloudWatch',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
    read: 'not looked up',
  },
} as const satisfies Record<string, Price>;
export type Item = keyof typeof PRICES;
