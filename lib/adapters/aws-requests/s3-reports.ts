import { createHash } from 'node:crypto';
import { LockstepError } from '../../core/errors/index.ts';
import type { ReportPlace } from '../../core/report/index.ts';
import { objectUrl, said } from './s3-bundle-objects.ts';
import { send } from './send.ts';
import { type AwsSettings, awsSettings } from './settings.ts';

/** Of one try of three: others wait for the run's signal meanwhile. */
const TIMEOUT_MS = 8_000;
const MOST_ERROR_BYTES = 64 * 1024;

/** Reports of runs, as objects of S3. */
export class S3Reports {
  readonly #settings: AwsSettings;

  /** Throws LS102 when no Region is set. */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#settings = { ...awsSettings(env), timeoutMs: TIMEOUT_MS };
  }

  get region(): string {
    return this.#settings.region;
  }

  /** In place of what is there. Throws LS731 without an answer, LS750 when it is refused. */
  async put(place: ReportPlace, page: string): Promise<void> {
    const body = new TextEncoder().encode(page);
    const headers = {
      'content-type': 'text/html; charset=utf-8',
      'x-amz-checksum-sha256': createHash('sha256').update(body).digest('base64'),
    };
    const url = objectUrl(this.#settings, place);
    const request = { service: 's3', region: this.region, method: 'PUT', url, headers, body } as const;
    const answer = await send(request, this.#settings, MOST_ERROR_BYTES);
    if (answer.status === 200) return;
    throw new LockstepError('LS750', {
      what: `The report could not be written to s3://${place.bucket}/${place.key}: S3 ${said(answer)}.`,
      state: 'As the verdict of the run says; nothing depends on its report.',
      remedy: 'Let the function put objects there, with the key of the bucket if it has one.',
    });
  }
}
