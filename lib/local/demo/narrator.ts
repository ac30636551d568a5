/** What the demo prints: headings, and lines with the time since the act began, who it is about, and what. */
import type { LockstepError } from '../../core/errors/index.ts';
import type { StateEvent } from '../state-event.ts';
import { noteOn } from './state-note.ts';
import { seconds } from './words.ts';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

/** Where it goes; the command line gives its own streams and colours. */
export interface Page {
  line(text: string): void;
  paint(style: Style, text: string): string;
  /** What happened, where, what is true of the database now, what to do: as the command line shows it. */
  error(error: LockstepError): string;
}

export const GREETING =
  'Lockstep on this machine: no account, no installed server. Ctrl-C ends it and leaves nothing behind.';

const WHO_WIDTH = 10;
const STATE_WIDTH = 28;

export class Narrator {
  readonly page: Page;
  #startedMs = performance.now();

  constructor(page: Page) {
    this.page = page;
  }

  act(title: string): void {
    this.#startedMs = performance.now();
    this.page.line('');
    this.page.line(this.page.paint('bold', title));
  }

  say(text: string): void {
    this.page.line(text);
  }

  showError(error: LockstepError): void {
    for (const line of ['', ...this.page.error(error).split('\n'), ''])
      this.page.line(line === '' ? '' : `  ${line}`);
  }

  tell(who: string, what: string): void {
    const since = seconds(performance.now() - this.#startedMs);
    this.page.line(`${this.page.paint('dim', since.padStart(8))}  ${who.padEnd(WHO_WIDTH)}  ${what}`);
  }

  /** An observer that shows each state of one execution when it ends, with the time it took. */
  states(who: string): (event: StateEvent) => void {
    let enteredMs = 0;
    let isCaught = false;
    return (event) => {
      // A state that is left through a Catch is left with the error that was shown before.
      const isShown =
        event.kind === 'failed' || event.kind === 'retried' || (event.kind === 'exited' && !isCaught);
      if (event.kind === 'entered') enteredMs = event.atMs;
      if (event.kind !== 'failed') isCaught = event.kind === 'caught';
      if (!isShown) return;
      const took = `${((event.atMs - enteredMs) / 1000).toFixed(2)} s`;
      this.tell(
        who,
        `${event.state.padEnd(STATE_WIDTH)} ${took.padStart(7)}  ${this.#note(event)}`.trimEnd(),
      );
    };
  }

  #note(event: Exclude<StateEvent, { kind: 'entered' }>): string {
    if (event.kind === 'exited') return noteOn(event);
    return this.page.paint(
      'yellow',
      event.kind === 'retried' ? `tried again after ${event.error}` : event.error,
    );
  }
}
