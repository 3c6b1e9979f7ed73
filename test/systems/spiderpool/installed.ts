// The least by which Spiderpool of a version is found, for tests that look at nothing else of it.
import type { Raw } from '../../../src/engine/contracts.ts';

export const installed = (version: string): Raw => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'spiderpool-controller',
    namespace: 'kube-system',
    labels: { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/version': version },
  },
  spec: {},
});
