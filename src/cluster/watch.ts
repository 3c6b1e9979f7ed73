// What an observer is told of the requests to one server: never a header, never a body.
import type { NoAnswer } from './transport.ts';

/** One request, with all its tries. Told apart by identity. */
export interface Asked {
  method: string;
  /** Without what is not a name: continue tokens are long and say nothing. */
  url: string;
}
export interface Watch {
  begun(asked: Asked): void;
  /** One try of it has ended, after `ms` milliseconds. `again`: milliseconds until the next; undefined: this was the last. */
  tried(asked: Asked, end: { status: number } | NoAnswer, ms: number, again?: number): void;
  /** All its tries are over. `answered`: not merely asked to come back later. */
  ended(asked: Asked, answered: boolean): void;
  /** A page of a list has been read. */
  page(resource: string, objects: number): void;
}

export const askedOf = (method: string, server: string, path: string): Asked => ({
  method,
  url: `${server}${path.replace(/([?&]continue=)[^&]*/, '$1…')}`,
});
