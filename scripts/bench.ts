// npm run bench: what a start of our binary costs, next to the native tools it stands beside. Ratios of one run, never a test: the machine decides the milliseconds.
import { execFileSync } from 'node:child_process';
import { BINARY } from '../test/bed/binary.ts';
import { prepareTools, tools } from '../test/bed/tools.ts';
import { packageFor } from './package.ts';
import { hostTarget } from './targets.ts';

/** Enough for a median that stays within some percent on a busy machine. */
const ROUNDS = 15;

interface Sample {
  /** Milliseconds. */
  wall: number;
  /** User and system time, milliseconds. */
  cpu: number;
}
interface Subject {
  name: string;
  command: string[];
  samples: Sample[];
}

await packageFor([hostTarget()]);
const trouble = await prepareTools((line) => console.error(line));
if (trouble) throw new Error(`preparing kubectl and helm: ${trouble}`);
const { kubectl, helm3, helm4 } = tools();
const subjects = [
  subject('helm 4 version', helm4, 'version'),
  subject('helm 3 version', helm3, 'version'),
  subject('kubectl version --client', kubectl, 'version', '--client'),
  subject('node -e 0', process.execPath, '-e', '0'),
  subject('upgrade-guard version', BINARY, 'version'),
  subject('upgrade-guard --help', BINARY, '--help'),
  subject('upgrade-guard checks', BINARY, 'checks'),
];
// Interleaved: whatever else the machine does meets all alike.
for (let round = 0; round < ROUNDS; round++) for (const { command, samples } of subjects) samples.push(measure(command));
const [yardstick] = subjects;
console.log(`${'median of'.padEnd(26)} ${'wall ms'.padStart(8)} ${'cpu ms'.padStart(8)}   cpu, ${yardstick!.name} = 1`);
for (const { name, samples } of subjects) {
  const cpu = median(samples.map((sample) => sample.cpu));
  const ratio = cpu / median(yardstick!.samples.map((sample) => sample.cpu));
  const wall = median(samples.map((sample) => sample.wall));
  console.log(`${name.padEnd(26)} ${wall.toFixed(0).padStart(8)} ${cpu.toFixed(0).padStart(8)}   ${ratio.toFixed(2)}`);
}

function subject(name: string, ...command: string[]): Subject {
  return { name, command, samples: [] };
}

/** bash's `time` asks the kernel for the child's usage, which Node.js cannot. */
function measure(command: string[]): Sample {
  const script = `TIMEFORMAT='%R %U %S'; { time "$@" >/dev/null 2>&1; } 2>&1`;
  const [wall = 0, user = 0, system = 0] = execFileSync('bash', ['-c', script, 'bench', ...command], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
    .trim()
    .split(' ')
    .map((seconds) => Number(seconds) * 1000);
  return { wall, cpu: user + system };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
