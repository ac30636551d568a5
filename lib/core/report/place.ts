/** Where the workflow keeps the reports of runs: an object for each, and how people get there. */
import * as z from 'zod';

export const reportLinkSchema = z.object({
  /** `s3://BUCKET/KEY` */
  uri: z.string(),
  /** Its page in the console of AWS, for whoever may read the bucket. It grants nothing. */
  url: z.string(),
});
export type ReportLink = z.infer<typeof reportLinkSchema>;

export interface ReportPlace {
  readonly bucket: string;
  readonly key: string;
}

/** The same for one run, however often it is written. */
export const reportKey = (prefix: string, target: string, run: string): string =>
  `${prefix}${segment(target)}/${segment(run)}.html`;

/** What S3 takes without another word, and no path of a URL loses. */
const segment = (name: string): string => name.replaceAll(/[^\w.@=+-]/g, '_').replace(/^\.+/, '_');

export function reportLink({ bucket, key }: ReportPlace, region: string): ReportLink {
  const query = new URLSearchParams({ region, prefix: key });
  return {
    uri: `s3://${bucket}/${key}`,
    url: `https://${region}.${consoleOf(region)}/s3/object/${bucket}?${query}`,
  };
}

function consoleOf(region: string): string {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn';
  return region.startsWith('us-gov-') ? 'console.amazonaws-us-gov.com' : 'console.aws.amazon.com';
}
