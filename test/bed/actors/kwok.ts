// kwok in place of kubelets: real Nodes and Pods that live without a machine. This starts it for the Nodes of one test and says, as its Stages, what becomes of them:
// a Node turns Ready and keeps what it was made with; a Pod gets an address and runs; one that is not to run for ever succeeds; one that is deleted goes.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended, guardOver, kubeconfigOf } from '../control-plane.ts';
import type { Bed } from '../index.ts';

/** The Nodes that kwok keeps: all others are as their test made them. */
export const KEPT = { key: 'kwok.x-k8s.io/node', value: 'fake' };
/** Of Pods whose address no test gives; the upper half is for those that a test plays. */
const ADDRESSES = '10.244.0.0/17';
/** As a kubelet's. */
const LEASE_SECONDS = 40;

export interface KwokOptions {
  /** Pods with this label are left alone, but for their end. */
  leaves?: string;
  /** Pods wait until another component has given them an IP. */
  waitsForAddress: boolean;
}
export interface Kwok {
  /** Its output, for the error of a wait that times out. */
  log(): string;
  stop(): Promise<void>;
}

/** Answers at once: a test that needs a Node waits for its Lease and its condition. */
export function startKwok(bed: Bed, options: KwokOptions): Kwok {
  const folder = mkdtempSync(join(tmpdir(), 'upgrade-guard-kwok-'));
  const [stages, log] = [join(folder, 'stages.yaml'), join(folder, 'log')];
  writeFileSync(stages, stagesOf(options).join('\n---\n'));
  const output = openSync(log, 'w');
  const child: ChildProcess = spawn(
    bed.kwok,
    [
      ...['--kubeconfig', kubeconfigOf(bed, 'admin'), '--config', stages, '--cidr', ADDRESSES],
      ...['--manage-nodes-with-annotation-selector', `${KEPT.key}=${KEPT.value}`, '--node-lease-duration-seconds', `${LEASE_SECONDS}`],
    ],
    { stdio: ['ignore', output, output], cwd: folder },
  );
  const guard = guardOver(folder, [child]);
  return {
    log: () => readFileSync(log, 'utf8').trim().split('\n').slice(-8).join('\n'),
    async stop() {
      child.kill('SIGKILL');
      await ended(child);
      // Its input ends: it removes the folder.
      guard.stdin?.end();
    },
  };
}

interface Condition {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}
const is = (key: string, ...values: string[]): Condition => ({ key, operator: 'In', values });
const isNot = (key: string, ...values: string[]): Condition => ({ key, operator: 'NotIn', values });
const has = (key: string): Condition => ({ key, operator: 'Exists' });
const lacks = (key: string): Condition => ({ key, operator: 'DoesNotExist' });

function stage(kind: 'Node' | 'Pod', name: string, matchExpressions: Condition[], next: object): string {
  return JSON.stringify({
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: { resourceRef: { apiGroup: 'v1', kind }, selector: { matchExpressions }, next },
  });
}

const READY = '.status.conditions.[] | select( .type == "Ready" ) | .status';
const DELETED = '.metadata.deletionTimestamp';
const RESTARTS = '.spec.restartPolicy';

function stagesOf({ leaves, waitsForAddress }: KwokOptions): string[] {
  const ours = [lacks(DELETED), ...(leaves ? [lacks(`.metadata.labels[${JSON.stringify(leaves)}]`)] : [])];
  const addressed = waitsForAddress ? [has('.status.podIP, (.spec.hostNetwork | select(.))')] : [];
  return [
    stage('Node', 'node-ready', [isNot(READY, 'True')], { statusTemplate: NODE_READY }),
    stage('Pod', 'pod-runs', [...ours, ...addressed, is('.status.phase', 'Pending'), isNot(READY, 'True')], { statusTemplate: POD_RUNS }),
    stage('Pod', 'pod-succeeds', [...ours, is('.status.phase', 'Running'), isNot(RESTARTS, 'Always')], { statusTemplate: POD_SUCCEEDED }),
    // A Job counts its Pods by their phase, and holds them until it has.
    stage('Pod', 'pod-is-ended', [has(DELETED), is('.status.phase', 'Pending', 'Running'), isNot(RESTARTS, 'Always')], {
      statusTemplate: 'phase: Failed',
    }),
    stage(
      'Pod',
      'pod-goes',
      [has(`select(${RESTARTS} == "Always" or .status.phase == "Succeeded" or .status.phase == "Failed") | ${DELETED}`)],
      {
        delete: true,
      },
    ),
  ];
}

const NODE_READY = `
{{ $now := Now | Quote }}
conditions:
{{ range NodeConditions }}
- { type: {{ .type }}, status: {{ .status | Quote }}, reason: {{ .reason }}, message: {{ .message | Quote }}, lastHeartbeatTime: {{ $now }}, lastTransitionTime: {{ $now }} }
{{ end }}`;

/** An address that it has (from Spiderpool, or from before kwok was restarted) stays. */
const POD_RUNS = `
{{ $now := Now | Quote }}
phase: Running
startTime: {{ $now }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
{{ if not .status.podIP }}
{{ $ips := PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ index $ips 0 | Quote }}
podIPs:
{{ range $ips }}
- { ip: {{ . | Quote }} }
{{ end }}
{{ end }}
conditions:
- { type: Initialized, status: "True", lastTransitionTime: {{ $now }} }
- { type: Ready, status: "True", lastTransitionTime: {{ $now }} }
- { type: ContainersReady, status: "True", lastTransitionTime: {{ $now }} }
{{ if .spec.initContainers }}
initContainerStatuses:
{{ range .spec.initContainers }}
- { name: {{ .name }}, image: {{ .image | Quote }}, imageID: "", ready: true, restartCount: 0, state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now }}, finishedAt: {{ $now }} } } }
{{ end }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- { name: {{ .name }}, image: {{ .image | Quote }}, imageID: "", ready: true, started: true, restartCount: 0, state: { running: { startedAt: {{ $now }} } } }
{{ end }}`;

const POD_SUCCEEDED = `
{{ $now := Now | Quote }}
phase: Succeeded
conditions:
- { type: Ready, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now }} }
- { type: ContainersReady, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now }} }
containerStatuses:
{{ range .spec.containers }}
- { name: {{ .name }}, image: {{ .image | Quote }}, imageID: "", ready: false, started: false, restartCount: 0, state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now }}, finishedAt: {{ $now }} } } }
{{ end }}`;
