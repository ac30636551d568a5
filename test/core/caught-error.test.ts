import { describe, expect, test } from 'vitest';
import { runErrorOf } from '../../lib/core/rollout/index.ts';

describe('the error that a Catch hands on', () => {
  test("is read from Lambda's JSON, with the code from the message", () => {
    const Cause = JSON.stringify({
      errorType: 'MigrationFailedError',
      errorMessage: 'LS601: 0042_x failed.\na.\nb.',
      trace: ['x'],
    });
    expect(runErrorOf({ Error: 'MigrationFailedError', Cause })).toEqual({
      name: 'MigrationFailedError',
      code: 'LS601',
      // What was true of the database then may not be any more when this is shown.
      message: 'LS601: 0042_x failed.',
    });
  });

  test.each([
    ['no cause', undefined, '.'],
    ['an empty cause', '', '.'],
    ['plain text', 'Task timed out after 900.00 seconds', ': Task timed out after 900.00 seconds.'],
    ['a sentence', 'Task timed out.\n', ': Task timed out.'],
    ['JSON that was cut', '{"errorType":"X","errorMess', ': {"errorType":"X","errorMess.'],
    ['JSON of another kind', 'null', ': null.'],
    ['JSON without a message', '{"errorMessage":7}', ': {"errorMessage":7}.'],
  ])('with %s still says what can be said', (_, Cause, more) => {
    expect(runErrorOf({ Error: 'States.Timeout', Cause })).toEqual({
      name: 'States.Timeout',
      code: 'LS901',
      message: `LS901: A step of the workflow ended with States.Timeout${more}`,
    });
  });

  test('of an event that was not taken is that of a signal, which nobody else sends', () => {
    const Cause = 'User is not authorized to perform: events:PutEvents';
    expect(runErrorOf({ Error: 'EventBridge.AccessDeniedException', Cause })).toEqual({
      name: 'EventBridge.AccessDeniedException',
      code: 'LS702',
      message: `LS702: The signal could not be sent: ${Cause}.`,
    });
  });

  test('a code that the catalogue does not know is not passed on', () => {
    expect(runErrorOf({ Error: 'X', Cause: 'LS999: no such code.' }).code).toBe('LS901');
  });

  test('a very long message is cut', () => {
    expect(runErrorOf({ Error: 'X', Cause: 'x'.repeat(200_000) }).message.length).toBeLessThan(5_000);
  });
});
