// Where each kind of write is killed at every place, with every ending: once, by the remedy that stands for it.
import type { Step } from '../../../src/engine/contracts.ts';

export interface Stand {
  /** The name of its scene. */
  remedy: string;
  command: 'fix' | 'undo' | 'resume';
  /** `METHOD resource/subresource #nth`. */
  write: string;
}
const stand = (remedy: string, command: Stand['command'], write: string): Stand => ({ remedy, command, write });

const OWNER = 'spiderpool/owner-controller-type';
const SHARED = 'spiderpool/duplicate-pod-ip';
const CRDS = 'spiderpool/crds-current';
const REMOVED = 'kubernetes/removed-api';
const STORED = 'kubernetes/crd-stored-versions';
const PUT_BACK = 'what an upgrade of Kubernetes puts back';
/** Each of its writes has a case there. */
const UPGRADE = 'test/control/kills/upgrade.test.ts';

/** Text: the test that kills it, or why there is nothing to kill. */
export const KINDS: Record<Step['do'] | 'Lease', Stand[] | string> = {
  // The second of three that are in flight together.
  patch: [
    stand(OWNER, 'fix', 'PATCH spiderendpoints #2'),
    stand(OWNER, 'undo', 'PATCH spiderendpoints #2'),
    // In a string of the status, with its counter.
    stand(SHARED, 'fix', 'PATCH spiderippools/status #1'),
    stand(SHARED, 'undo', 'PATCH spiderippools/status #1'),
    // At the end of an upgrade, what was changed for as long as it lasted.
    stand(PUT_BACK, 'resume', 'PATCH poddisruptionbudgets #1'),
  ],
  create: [stand(CRDS, 'fix', 'POST customresourcedefinitions #1'), stand(CRDS, 'undo', 'DELETE customresourcedefinitions #1')],
  apply: [stand(CRDS, 'fix', 'PATCH customresourcedefinitions #1'), stand(CRDS, 'undo', 'PATCH customresourcedefinitions #1')],
  delete: [stand(SHARED, 'fix', 'DELETE spiderendpoints #1')],
  evict: [stand(SHARED, 'fix', 'POST pods/eviction #1')],
  migrate: [
    // The last of three objects that are in flight together, then the list of versions.
    stand(STORED, 'fix', 'PATCH widgets/status #3'),
    stand(STORED, 'fix', 'PATCH customresourcedefinitions/status #1'),
    stand(STORED, 'undo', 'PATCH customresourcedefinitions/status #1'),
  ],
  revise: [
    stand(REMOVED, 'fix', 'POST secrets #1'),
    stand(REMOVED, 'fix', 'PATCH secrets #1'),
    stand(REMOVED, 'undo', 'PATCH secrets #1'),
    stand(REMOVED, 'undo', 'DELETE secrets #1'),
  ],
  verbosity: 'test/control/kubernetes-hop.test.ts',
  drain: 'test/control/kubernetes-hop.test.ts',
  Lease: [
    stand(OWNER, 'fix', 'POST leases #1'),
    stand(OWNER, 'fix', 'DELETE leases #1'),
    stand('spiderpool/leaked-ip', 'resume', 'PUT leases #1'),
  ],
  wait: UPGRADE,
  backup: UPGRADE,
  keep: UPGRADE,
  forget: UPGRADE,
  helm: UPGRADE,
  unpend: 'test/engine/helm-step.test.ts',
  manual: 'sends nothing',
  recheck: 'sends nothing',
};

export const STANDS: Stand[] = Object.values(KINDS).flatMap((stands) => (typeof stands === 'string' ? [] : stands));
