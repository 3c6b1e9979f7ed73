// Keeps small what V8 lets young objects take while big lists are read: 12 MB instead of 48, at the same CPU time.
// V8 takes this limit as a flag at its start, too; but then it passes over the code that Node.js carries for its own modules, which costs every start 7 to 30 ms. Held once lists have filled them, it costs nothing: by then everything is loaded.
import type v8 from 'node:v8';

/** Bytes of the two halves; there are three of such size at most, with what is too large for a half. */
const ENOUGH = 8 * 1024 * 1024;

/** By which V8 lets them grow; 1: no further. */
let factor = 2;

/** Lets V8 grow until it has enough, and no further; where it has shrunk them meanwhile, again. Takes some microseconds: asked once a page. */
export function holdYoung(): void {
  const { getHeapSpaceStatistics, setFlagsFromString }: typeof v8 = process.getBuiltinModule('node:v8');
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  const wanted = !young || young.space_size < ENOUGH ? 2 : 1;
  if (wanted !== factor) setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
  factor = wanted;
}
