// npm test: makes what the tests stand on (the registry of checks, the packaged binary, control planes, kubectl and helm), as far as the chosen
// tests need it, then runs them. Arguments are vitest's: files, -t NAME, --project NAME. The last line is the sum.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVitest, parseCLI, type TestRunResult, type TestSpecification, type Vitest } from 'vitest/node';
import { BED_VERSIONS, prepareBeds } from '../test/bed/prepare.ts';
import { EVERY_TOOL, prepareTools } from '../test/bed/tools.ts';
import { type LeftOut, progress, type Spent, sum, tell } from '../test/reporter.ts';

const ROOT = join(import.meta.dirname, '..');
process.chdir(ROOT);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const spent: Spent[] = [];
async function timed<Result>(name: string, doing: () => Promise<Result> | Result): Promise<Result> {
  const begun = performance.now();
  const result = await doing();
  spent.push({ name, ms: performance.now() - begun });
  return result;
}

/** Runs one of our scripts; its failure is ours. */
function script(name: string, ...words: string[]): void {
  const { status } = spawnSync(process.execPath, [join('scripts', 'run.mjs'), name, ...words], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm run ${name} failed; the tests need what it makes`);
}

/** Makes what these tests need. Answers the parts that cannot run. */
async function prepare(projects: Set<string>): Promise<Map<string, LeftOut>> {
  const versions = BED_VERSIONS.filter((version) => projects.has(`kubernetes-${version}`));
  if (versions.length || ['cli', 'connect', 'package'].some((project) => projects.has(project)))
    await timed('packaging', () => script('package', '--host'));
  const leftOut = new Map<string, LeftOut>();
  const leaveOut = (project: string, why: string) => leftOut.set(project, { name: `all of ${project}`, why });
  if (projects.has('package')) {
    const noTools = await prepareTools(say, EVERY_TOOL);
    if (noTools) leaveOut('package', noTools);
  }
  const noTools = versions.length ? await prepareTools(say) : undefined;
  if (noTools) {
    for (const version of versions) leaveOut(`kubernetes-${version}`, noTools);
    return leftOut;
  }
  const get =
    'install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with etcd, kwok, and kube-apiserver, kube-controller-manager and kube-scheduler of that version';
  const without = await timed('building control planes, where missing', () => prepareBeds(versions, say));
  for (const [version, why] of without) leaveOut(`kubernetes-${version}`, `${why}; ${get}`);
  return leftOut;
}

async function run(vitest: Vitest, specifications: TestSpecification[]): Promise<TestRunResult> {
  if (!specifications.length) return { testModules: [], unhandledErrors: [] };
  try {
    return await vitest.runTestSpecifications(specifications, true);
  } catch (error) {
    // A control plane that does not start, mostly.
    const { message, stack } = error as Error;
    return { testModules: vitest.state.getTestModules(), unhandledErrors: [{ message, stack: stack ?? message, name: 'Error' }] };
  }
}

async function main(): Promise<number> {
  script('registry');
  const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
  // One stream for all of it, so that failures stand below their names and nothing comes after the last line.
  const vitest = await createVitest({ ...options, watch: false, reporters: [progress] }, {}, { stderr: process.stdout });
  try {
    const chosen = await vitest.globTestSpecifications(filter);
    if (!chosen.length) throw new Error(`no test file fits ${filter.join(' ')}`);
    const leftOut = await prepare(new Set(chosen.map((specification) => specification.project.name)));
    const ready = chosen.filter((specification) => !leftOut.has(specification.project.name));
    const result = await timed('tests', () => run(vitest, ready));
    spent.push({ name: 'all', ms: performance.now() });
    const counts = tell(vitest, result, [...leftOut.values()], spent, Boolean(options.testNamePattern));
    await vitest.close();
    say(sum(counts));
    return counts.failed ? 1 : 0;
  } finally {
    await vitest.close();
  }
}

// Whatever a test makes below the temporary folder goes away with this one.
const scratch = mkdtempSync(join(tmpdir(), 'upgrade-guard-test-'));
process.env.TMPDIR = scratch;
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

process.exitCode = await main().catch((error: Error) => {
  say(error.stack ?? error.message);
  say(sum({ passed: 0, failed: 1, skipped: 0 }));
  return 1;
});
