// npm run bench [-- PART] [--size N] [--kubectl]: what the tool costs. Ratios of one run, never a test: the machine decides the milliseconds.
// PART: start (the default), scale (a big cluster), k3s (many Nodes), repair (many repairs), kubernetes (which API versions the next minor breaks; PLUTO= and KUBENT= name rivals). The figures go to docs/performance.md.
import { parseArgs } from 'node:util';
import { prepareTools } from '../test/bed/tools.ts';
import { benchK3s } from './bench/k3s.ts';
import { benchKubernetes } from './bench/kubernetes.ts';
import { benchRepair } from './bench/repair.ts';
import { benchScale } from './bench/scale.ts';
import { benchStart } from './bench/start.ts';
import { executablesFor } from './executable.ts';
import { hostTarget } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '10000' }, kubectl: { type: 'boolean', default: false } },
});
const size = Number(values.size);
if (!Number.isSafeInteger(size) || size < 1) throw new Error(`--size ${values.size}: give a number of objects`);
const PARTS: Record<string, () => Promise<void>> = {
  start: benchStart,
  scale: () => benchScale(size),
  k3s: () => benchK3s(size),
  repair: () => benchRepair(size),
  kubernetes: () => benchKubernetes(size),
};
const part = PARTS[positionals[0] ?? 'start'];
if (!part) throw new Error(`there is no part ${positionals[0]}; there are ${Object.keys(PARTS).join(', ')}`);

await executablesFor([hostTarget()]);
const trouble = await prepareTools((line) => console.error(line));
if (trouble) throw new Error(`preparing kubectl and helm: ${trouble}`);
await part();
