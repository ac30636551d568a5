import type { Command as Grammar } from 'commander';
import type { LoadCommand } from './context.ts';

/** Adds a command, or none if it is not of those that are asked for. */
export type AddCommand = (parent: Grammar, name: string, entry: Entry) => void;

interface Entry {
  readonly summary: string;
  readonly examples?: readonly string[];
  /** Missing for a group, which is nothing without the name of one of its commands. */
  readonly load?: LoadCommand;
  /** Adds its arguments and options, or the commands of a group. */
  readonly takes?: (command: Grammar) => void;
}
