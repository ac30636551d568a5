import { expect, it } from 'vitest';
import { reportKey, reportLink } from '../../lib/core/report/index.ts';

it('a report has one key for its run, whatever target and run are called', () => {
  expect(reportKey('lockstep/', 'orders', 'run-1')).toBe('lockstep/orders/run-1.html');
  expect(reportKey('', 'a b/../c', '../x')).toBe('a_b_.._c/__x.html');
});

it.each([
  ['eu-central-1', 'https://eu-central-1.console.aws.amazon.com/'],
  ['cn-north-1', 'https://cn-north-1.console.amazonaws.cn/'],
  ['us-gov-west-1', 'https://us-gov-west-1.console.amazonaws-us-gov.com/'],
])('in %s its page is in the console at %s', (region, host) => {
  const { uri, url } = reportLink({ bucket: 'b', key: 'lockstep/a/r.html' }, region);
  expect(uri).toBe('s3://b/lockstep/a/r.html');
  expect(url).toBe(`${host}s3/object/b?region=${region}&prefix=lockstep%2Fa%2Fr.html`);
});
