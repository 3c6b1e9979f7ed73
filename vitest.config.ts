// The parts of the test suite. `npm test` (scripts/test.ts) runs them all; `npx vitest run --project unit` one of them.
import { defineConfig } from 'vitest/config';
import { TakingTurns } from './test/bed/order.ts';
import { BED_VERSIONS, NEWEST } from './test/bed/prepare.ts';

const CONTROL = 'test/control/**/*.test.ts';
/** Where the versions of Kubernetes differ. */
const BOTH = 'test/control/both/*.test.ts';

export default defineConfig({
  test: {
    // Two cores is what CI has. Files that talk to a control plane also wait: with four at once a run takes 13.9 minutes and four fifths of both cores, with three 16.7 (measured).
    maxWorkers: 4,
    pool: 'forks',
    // A sweep that goes on leaves out what was told before, which may be all of a file.
    passWithNoTests: process.env.UPGRADE_GUARD_SWEEP !== undefined,
    // Against what hangs; how fast something is, the bench says.
    testTimeout: 30_000,
    // Node.js reads TypeScript by itself; nothing here is mocked as a module.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    sequence: { sequencer: TakingTurns },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // One process for many files: to load the sources again for each took more time than most of them. What a test sets beyond its file, it puts back.
          isolate: false,
          setupFiles: 'test/put-back.ts',
          include: ['test/**/*.test.ts'],
          exclude: [CONTROL, 'test/cli/**', 'test/connect/**', 'test/package/**'],
        },
      },
      { extends: true, test: { name: 'cli', include: ['test/cli/**/*.test.ts'] } },
      { extends: true, test: { name: 'connect', include: ['test/connect/**/*.test.ts'], testTimeout: 60_000 } },
      { extends: true, test: { name: 'package', include: ['test/package/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
      ...BED_VERSIONS.map((version) => ({
        extends: true as const,
        test: {
          name: `kubernetes-${version}`,
          include: [version === NEWEST ? CONTROL : BOTH],
          globalSetup: 'test/bed/setup.ts',
          setupFiles: 'test/bed/alone.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Two control planes, a proxy and the tool share two cores there: what fails once by its timing is run once more, and the reporter says so.
          retry: process.env.CI === 'true' ? 1 : 0,
        },
      })),
    ],
  },
});
