// What a start of our binary costs, next to the native tools it stands beside.
import { BINARY } from '../../test/bed/binary.ts';
import { tools } from '../../test/bed/tools.ts';
import { type Measured, measure, median } from './measure.ts';

/** Enough for a median that stays within some percent on a busy machine. */
const ROUNDS = 15;

export async function benchStart(): Promise<void> {
  const { kubectl, helm3, helm4 } = tools();
  const subjects: { name: string; command: string[]; samples: Measured[] }[] = [
    { name: 'helm 4 version', command: [helm4, 'version'], samples: [] },
    { name: 'helm 3 version', command: [helm3, 'version'], samples: [] },
    { name: 'kubectl version --client', command: [kubectl, 'version', '--client'], samples: [] },
    { name: 'node -e 0', command: [process.execPath, '-e', '0'], samples: [] },
    { name: 'upgrade-guard version', command: [BINARY, 'version'], samples: [] },
    { name: 'upgrade-guard --help', command: [BINARY, '--help'], samples: [] },
    { name: 'upgrade-guard checks', command: [BINARY, 'checks'], samples: [] },
  ];
  // Interleaved: whatever else the machine does meets all alike.
  for (let round = 0; round < ROUNDS; round++) for (const { command, samples } of subjects) samples.push(await measure(command));
  const yardstick = subjects[0]!;
  const cpuOf = (samples: Measured[]) => median(samples.map(({ cpu }) => cpu));
  console.log(`${'median of'.padEnd(26)} ${'wall ms'.padStart(8)} ${'cpu ms'.padStart(8)}   cpu, ${yardstick.name} = 1`);
  for (const { name, samples } of subjects) {
    const wall = median(samples.map((sample) => sample.wall));
    const ratio = cpuOf(samples) / cpuOf(yardstick.samples);
    console.log(`${name.padEnd(26)} ${wall.toFixed(0).padStart(8)} ${cpuOf(samples).toFixed(0).padStart(8)}   ${ratio.toFixed(2)}`);
  }
}
