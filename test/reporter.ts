// How a run of the tests is told: a line per file while it goes on, then every failure in full, times, counts per part, what was left out, and the sum.
import type { Reporter, TestCase, TestModule, TestRunResult, TestSuite, Vitest } from 'vitest/node';

/** A suite that did not run. */
export interface LeftOut {
  name: string;
  /** What is missing, and how to get it. */
  why: string;
}
interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}
/** So many files are named. */
const SLOWEST = 12;
const say = (line = '') => process.stdout.write(`${line}\n`);

/** One line per file; what tests print themselves comes through as it is. */
export const progress: Reporter = {
  onUserConsoleLog: ({ type, content }) => void process[type].write(content),
  onTestModuleEnd(module) {
    const { failed } = countOf([module]);
    say(
      `${failed ? '✗' : '✓'} ${module.project.name.padEnd(15)} ${module.relativeModuleId}  ${seconds(timeOf(module))}  ${counted(countOf([module]))}`,
    );
  },
};

/** What was done before the tests, or around all of them, and how long it took. */
export interface Spent {
  name: string;
  ms: number;
}

/** Prints all there is to say but the last line. Answers the counts for it. */
export function tell(
  vitest: Vitest,
  { testModules, unhandledErrors }: TestRunResult,
  leftOut: LeftOut[],
  spent: Spent[],
  byName: boolean,
): Counts {
  for (const module of testModules) tellFailures(vitest, module);
  for (const error of unhandledErrors) vitest.logger.printError(error, { fullStack: true, type: 'Unhandled error' });
  const counts = countOf(testModules);
  counts.failed += unhandledErrors.length;
  // Chosen by name, all the others count as skipped; that is not worth a word.
  if (byName) counts.skipped = 0;
  tellParts(testModules);
  tellSlowest(testModules);
  tellOneMore(testModules);
  tellSpent(spent);
  tellFlaky(testModules);
  tellLeftOut([...leftOut, ...leftOutWithin(testModules)]);
  const mustNotLack = process.env.CI === 'true';
  counts[mustNotLack ? 'failed' : 'skipped'] += leftOut.length;
  return counts;
}

/** The line that closes the whole output. */
export const sum = (counts: Counts) => counted(counts);

function counted({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
}

/** A file or suite that failed outside its tests (an import, a hook) counts as one failure of its own. */
function countOf(modules: readonly TestModule[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed' || state === 'failed') counts[state]++;
      else counts.skipped++;
    }
    for (const suite of suitesOf(module)) if (suite.errors().length) counts.failed++;
  }
  return counts;
}

const suitesOf = (module: TestModule): (TestModule | TestSuite)[] => [module, ...module.children.allSuites()];
/** Milliseconds; without the wait for a control plane that another file uses. */
const timeOf = (module: TestModule) => module.diagnostic().collectDuration + module.diagnostic().duration;
const durationOf = (test: TestCase) => test.diagnostic()?.duration ?? 0;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function tellFailures(vitest: Vitest, module: TestModule): void {
  const print = (where: string, errors: readonly unknown[]) => {
    if (!errors.length) return;
    say(`\n✗ ${module.project.name}  ${module.relativeModuleId}${where ? ` > ${where}` : ''}`);
    for (const error of errors) vitest.logger.printError(error, { project: module.project, fullStack: true, verbose: true });
  };
  for (const suite of suitesOf(module)) print(suite.type === 'suite' ? suite.fullName : '', suite.errors());
  for (const test of module.children.allTests('failed')) print(test.fullName, test.result().errors ?? []);
}

function tellParts(modules: readonly TestModule[]): void {
  const parts = Map.groupBy(modules, (module) => module.project.name);
  say('\nparts (time of their files, added up):');
  for (const [name, own] of [...parts].sort(([a], [b]) => a.localeCompare(b))) {
    const time = own.reduce((total, module) => total + timeOf(module), 0);
    say(`  ${name.padEnd(15)} ${String(own.length).padStart(3)} files  ${seconds(time).padStart(8)}  ${counted(countOf(own))}`);
  }
}

function tellSlowest(modules: readonly TestModule[]): void {
  say('slowest files:');
  for (const module of [...modules].sort((a, b) => timeOf(b) - timeOf(a)).slice(0, SLOWEST)) {
    const [slowest] = [...module.children.allTests()].sort((a, b) => durationOf(b) - durationOf(a));
    const most = slowest && durationOf(slowest) > 1000 ? `  (${seconds(durationOf(slowest))}: ${slowest.name.slice(0, 80)})` : '';
    say(`  ${seconds(timeOf(module)).padStart(8)}  ${module.project.name.padEnd(15)} ${module.relativeModuleId}${most}`);
  }
}

/** What the next one will add, by those that there are: a check has a file of cases, a remedy a scene that is killed once. */
function tellOneMore(modules: readonly TestModule[]): void {
  const checks = modules.filter(({ relativeModuleId }) => /^test\/systems\/[^/]+\//.test(relativeModuleId)).map(timeOf);
  const remedies = modules
    .filter(({ relativeModuleId }) => relativeModuleId.startsWith('test/control/kills/'))
    .flatMap((module) => [...module.children.allSuites()])
    // Carried out once and killed once; others stand for kinds of steps and are killed everywhere.
    .filter((suite) => [...suite.children.tests()].length === 2)
    .map((suite) => [...suite.children.tests()].reduce((total, test) => total + durationOf(test), 0))
    .filter((time) => time > 0);
  const average = (times: number[]) => seconds(times.reduce((total, time) => total + time, 0) / times.length);
  const lines = [...(checks.length ? [`a check ${average(checks)}`] : []), ...(remedies.length ? [`a remedy ${average(remedies)}`] : [])];
  if (lines.length) say(`one more of these adds, by the average: ${lines.join(', ')}`);
}

function tellSpent(spent: Spent[]): void {
  say('by the clock:');
  for (const { name, ms } of spent) say(`  ${seconds(ms).padStart(8)}  ${name}`);
}

/** What passed only when it was run once more. */
function tellFlaky(modules: readonly TestModule[]): void {
  const flaky = modules.flatMap((module) =>
    [...module.children.allTests()].filter((test) => test.diagnostic()?.flaky).map((test) => ({ module, test })),
  );
  if (flaky.length) say('passed only at the second try:');
  for (const { module, test } of flaky) say(`  ${module.project.name}  ${module.relativeModuleId} > ${test.fullName}`);
}

function tellLeftOut(leftOut: LeftOut[]): void {
  if (leftOut.length) say('left out:');
  for (const { name, why } of leftOut) say(`  ${name}: ${why}`);
}

function leftOutWithin(modules: readonly TestModule[]): LeftOut[] {
  return modules.flatMap((module) =>
    [...module.children.allTests()].flatMap((test) => {
      const why = test.meta().leftOut;
      return why ? [{ name: `${module.relativeModuleId} > ${test.fullName}`, why }] : [];
    }),
  );
}
