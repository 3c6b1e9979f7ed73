// Global setup of the projects kubernetes-*: starts the control planes of that version and hands their addresses to the workers.
import type { TestProject } from 'vitest/node';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { BED_VERSIONS, foundBed, NEWEST } from './prepare.ts';
import { prepareTools } from './tools.ts';

declare module 'vitest' {
  interface ProvidedContext {
    beds: ControlPlane[];
  }
}

const projectOf = (version: string) => `kubernetes-${version}`;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const version = BED_VERSIONS.find((known) => projectOf(known) === project.name);
  if (!version) throw new Error(`${project.name} is no project of the test bed`);
  const binaries = await foundBed(version);
  const trouble = await prepareTools(() => {});
  if (trouble) throw new Error(trouble);
  // Most files run on the newest alone: there every worker finds one that is free.
  const count = version === NEWEST ? Number(project.vitest.config.maxWorkers) : 1;
  const started = await Promise.all(Array.from({ length: count }, () => startControlPlane(version, binaries)));
  project.provide(
    'beds',
    started.map(({ server, etcd, folder, kwok }) => ({ version, server, etcd, folder, kwok })),
  );
  return async () => void (await Promise.all(started.map(({ stop }) => stop())));
}
