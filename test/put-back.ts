// Setup of every unit test file: one process runs many of them, so what a file set beyond itself is put back behind it.
import { afterAll, vi } from 'vitest';
import { hasten } from '../src/engine/pace.ts';

afterAll(() => {
  hasten(1);
  vi.unstubAllEnvs();
  vi.useRealTimers();
});
