/**
 * What must not get through when a published bundle is opened, in a process of its own, so that sources can be changed:
 * prints, as JSON, what did. The store and the key are the stand-ins, asked by the program's own requests.
 */
import { KmsSignatures, S3BundleObjects } from '../../lib/adapters/aws-requests/index.ts';
import { makeBundle } from '../../lib/core/plan/catalog.ts';
import {
  type BundleAddress,
  type Destination,
  openPublished,
  publishBundle,
} from '../../lib/core/published/index.ts';
import { LocalKeys } from '../../lib/local/aws/keys.ts';
import { LocalObjects } from '../../lib/local/aws/objects.ts';
import { compiledText } from '../support/compiled-text.ts';
import { settingsFor, startLocalAws } from '../support/local-aws.ts';

const OURS = await compiledText({ '0001_ours.sql': 'CREATE TABLE ours (id int);' });
const THEIRS = await compiledText({ '0001_theirs.sql': 'CREATE TABLE theirs (id int);' });
const EMPTY = `${JSON.stringify(makeBundle([]))}\n`;
const PREFIX = 'orders/';

const keys = new LocalKeys();
const [ownKey, otherKey] = [keys.create(), keys.create()];
const s3 = new LocalObjects();
const { endpoint, stop } = await startLocalAws({ s3, kms: keys.service });
const aws = settingsFor(endpoint);
const objects = new S3BundleObjects(aws);

const place = (key: string): Destination => ({ bucket: 'releases', key });
const publish = (text: string, key: string, signingKey?: string): Promise<BundleAddress> =>
  publishBundle(text, place(key), {
    objects,
    signatures: signingKey === undefined ? undefined : new KmsSignatures(aws, signingKey),
  });
/** Names of what was opened; what was refused gives its code. */
const open = (address: BundleAddress): Promise<string> =>
  openPublished(address, {
    setting: { bucket: 'releases', prefix: PREFIX, signingKey: ownKey },
    objects,
    signatures: new KmsSignatures(aws, ownKey),
  }).then(
    ({ migrations }) => migrations.map(({ slug }) => slug).join() || 'nothing',
    (error: { code: string }) => error.code,
  );

const through: string[] = [];
const expectOf = async (what: string, address: BundleAddress, expected: string) => {
  const found = await open(address);
  if (found !== expected) through.push(what);
};

const signed = await publish(OURS, `${PREFIX}signed.json`, ownKey);
await expectOf('what is in order is refused', signed, 'ours');
await publish(EMPTY, `${PREFIX}signed.json`, ownKey);
await expectOf('another version is opened than was named', signed, 'ours');

const changed = await publish(OURS, `${PREFIX}changed.json`, ownKey);
s3.corrupt('releases', changed.key, Buffer.from(THEIRS));
await expectOf('other bytes are opened', changed, 'LS216');

await expectOf('what nobody signed is opened', await publish(THEIRS, `${PREFIX}unsigned.json`), 'LS217');
const forged = await publish(THEIRS, `${PREFIX}forged.json`, otherKey);
await expectOf('what another key signed is opened', forged, 'LS218');
const { signature } = signed;
const borrowed = await publish(THEIRS, `${PREFIX}borrowed.json`);
await expectOf(
  'a signature of another bundle is taken',
  { ...borrowed, ...(signature ? { signature } : {}) },
  'LS218',
);

const elsewhere = await publish(OURS, 'invoices/signed.json', ownKey);
await expectOf('what lies elsewhere is opened', elsewhere, 'LS730');

await stop();
process.stdout.write(JSON.stringify(through));
