// Global setup of the projects kubernetes-*: starts the control plane of that version and hands its address to the workers.
import type { TestProject } from 'vitest/node';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { BED_VERSIONS, foundBed } from './prepare.ts';
import { prepareTools } from './tools.ts';

declare module 'vitest' {
  interface ProvidedContext {
    bed: ControlPlane;
  }
}

const projectOf = (version: string) => `kubernetes-${version}`;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const version = BED_VERSIONS.find((known) => projectOf(known) === project.name);
  if (!version) throw new Error(`${project.name} is no project of the test bed`);
  const binaries = await foundBed(version);
  if (!binaries) throw new Error(`the control plane ${version} is not built yet; npm test builds it`);
  const trouble = await prepareTools(() => {});
  if (trouble) throw new Error(trouble);
  const { stop, ...plane } = await startControlPlane(version, binaries);
  project.provide('bed', plane);
  return stop;
}
