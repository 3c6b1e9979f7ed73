// The least by which Spiderpool of a version is found, for tests that look at nothing else of it.
import type { Raw } from '../../../src/engine/contracts.ts';

/** The same of a release of Helm's, kube-system/spiderpool, which says the version itself. */
export const INSTALLED_BY_HELM: Raw = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'spiderpool-controller',
    namespace: 'kube-system',
    labels: { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/instance': 'spiderpool' },
    annotations: { 'meta.helm.sh/release-name': 'spiderpool', 'meta.helm.sh/release-namespace': 'kube-system' },
  },
  spec: {},
};

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
