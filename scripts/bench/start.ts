// What a start of our binary costs, next to the native tools it stands beside: alone, and up to the first answers of a server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BINARY } from '../../test/bed/binary.ts';
import { recordingServer } from '../../test/bed/recording-server.ts';
import { tools } from '../../test/bed/tools.ts';
import { BUNDLE } from '../build.ts';
import { type Measured, measure, median } from './measure.ts';

/** Enough for a median that stays within some percent on a busy machine. */
const ROUNDS = 15;

interface Subject {
  name: string;
  command: string[];
  samples: Measured[];
}

export async function benchStart(): Promise<void> {
  const server = await recordingServer();
  const folder = mkdtempSync(join(tmpdir(), 'bench-start-'));
  try {
    const kubeconfig = join(folder, 'config');
    writeFileSync(kubeconfig, configFor(`https://${server.servers.good}`, server.root.cert));
    await compare(subjectsFor(kubeconfig), { ...process.env, XDG_STATE_HOME: folder });
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A token that stands in the file: what most of a start is about is then the connection. */
function configFor(server: string, ca: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'k', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    'current-context': 'c',
  });
}

function subjectsFor(kubeconfig: string): Subject[] {
  const { kubectl, helm3, helm4 } = tools();
  return [
    { name: 'helm 4 version', command: [helm4, 'version'], samples: [] },
    { name: 'helm 3 version', command: [helm3, 'version'], samples: [] },
    { name: 'kubectl version --client', command: [kubectl, 'version', '--client'], samples: [] },
    { name: 'node -e 0', command: [process.execPath, '-e', '0'], samples: [] },
    { name: 'upgrade-guard version', command: [BINARY, 'version'], samples: [] },
    { name: 'upgrade-guard --help', command: [BINARY, '--help'], samples: [] },
    { name: 'upgrade-guard checks', command: [BINARY, 'checks'], samples: [] },
    { name: 'node dist/upgrade-guard.cjs checks', command: [process.execPath, BUNDLE, 'checks'], samples: [] },
    { name: 'kubectl version', command: [kubectl, 'version', '--kubeconfig', kubeconfig], samples: [] },
    { name: 'upgrade-guard runs', command: [BINARY, 'runs', '--kubeconfig', kubeconfig], samples: [] },
  ];
}

async function compare(subjects: Subject[], env: NodeJS.ProcessEnv): Promise<void> {
  // Interleaved: whatever else the machine does meets all alike.
  for (let round = 0; round < ROUNDS; round++) for (const { command, samples } of subjects) samples.push(await measure(command, env));
  const yardstick = subjects[0]!;
  const cpuOf = (samples: Measured[]) => median(samples.map(({ cpu }) => cpu));
  console.log(`${'median of'.padEnd(36)} ${'wall ms'.padStart(8)} ${'cpu ms'.padStart(8)}   cpu, ${yardstick.name} = 1`);
  for (const { name, samples } of subjects) {
    const wall = median(samples.map((sample) => sample.wall));
    const ratio = cpuOf(samples) / cpuOf(yardstick.samples);
    console.log(`${name.padEnd(36)} ${wall.toFixed(0).padStart(8)} ${cpuOf(samples).toFixed(0).padStart(8)}   ${ratio.toFixed(2)}`);
  }
}
