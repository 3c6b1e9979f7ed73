// The contracts of the house, as types. Every room but this one depends on them; they depend on nothing.
// Split by reader: what a check needs, what a step needs, what a run needs, over one plain base. Imports stay short by this file.

export * from './contracts/base.ts';
export * from './contracts/changing.ts';
export * from './contracts/checking.ts';
export * from './contracts/reading.ts';
export * from './contracts/running.ts';
