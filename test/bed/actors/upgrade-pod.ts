// What runs in a Pod of the system-upgrade-controller: kubectl, and rancher/k3s-upgrade in its own words (scripts/upgrade.sh), for the kubelet actor to play.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from '../client.ts';
import type { Bed } from '../index.ts';
import type { Ending, Play } from './pod.ts';
import { munged } from './upgrade-job.ts';

/** How often `prepare` looks at the servers, in ms; the real one every 5 s. */
const LOOK_AGAIN = 300;
/** A drain that some PodDisruptionBudget holds up would outlive its test. */
const DRAIN_LIMIT = '--timeout=60s';

/**
 * For KubeletOptions.play: `cordon` and `drain` by real kubectl, their output is the log; `prepare` waits until every control-plane Node has the version; `upgrade` refuses a downgrade
 * where that version's image does, and else gives the Node the version. A version without a leading v has no image.
 */
export function playUpgrade(bed: Bed): Play {
  return { label: 'upgrade.cattle.io/plan', container };
  async function container(container: Body, pod: Body, ended: AbortSignal): Promise<Ending> {
    const version = container.env.find(({ name }: Body) => name === 'SYSTEM_UPGRADE_PLAN_LATEST_VERSION').value;
    if (/:(?!v)[^/]*$/.test(container.image)) return { waiting: 'ImagePullBackOff' };
    if (container.name === 'prepare') return prepare(bed, version, ended);
    if (container.name === 'upgrade') return upgrade(bed, pod.spec.nodeName, version);
    const limit = container.name === 'drain' && !container.args.includes('--timeout') ? [DRAIN_LIMIT] : [];
    const { code, stdout, stderr } = await bed.kubectl([...container.args, ...limit]);
    return { exit: code ?? 1, log: stdout + stderr };
  }
}

async function prepare(bed: Bed, version: string, ended: AbortSignal): Promise<Ending> {
  for (let log = ''; ; log += `[INFO]  Waiting for all control-plane nodes to be upgraded to version ${version}\n`) {
    const { body } = await bed.request('GET', '/api/v1/nodes?labelSelector=node-role.kubernetes.io/control-plane%3Dtrue');
    if (body.items.every(({ status }: Body) => munged(status.nodeInfo.kubeletVersion) === version)) return { exit: 0, log };
    await sleep(LOOK_AGAIN, undefined, { signal: ended });
  }
}

async function upgrade(bed: Bed, node: string, version: string): Promise<Ending> {
  const path = `/api/v1/nodes/${node}`;
  const current = (await bed.request('GET', path)).body.status.nodeInfo.kubeletVersion;
  const target = version.replace(/-(k3s[\d.]+)$/, '+$1');
  // The script is run by sh -x.
  const log =
    "[INFO]  K3S binary is running with pid 1202, parent pid 1\n+ info 'Comparing old and new binaries'\n[INFO]  Comparing old and new binaries\n";
  if (current === target) return { exit: 0, log: `${log}[INFO]  Binary already been replaced\n` };
  const guard = guardOf(target);
  if (guard !== undefined && isBelow(target, current))
    return { exit: 1, log: `${log}Error: Current ${guard} ${current} (36645e73) is higher than k3s version ${target} (9f3dd2ea)\n` };
  await bed.request('PATCH', `${path}/status`, { status: { nodeInfo: { kubeletVersion: target } } });
  return { exit: 0, log: `${log}[INFO]  K3s binary has been replaced successfully\n[INFO]  Successfully killed old k3s pid 1202\n` };
}

const numbersOf = (version: string) => (/^v(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);

/** As the guard compares: neither candidates nor k3sN count. */
function isBelow(a: string, b: string): boolean {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const at = left.findIndex((number, i) => number !== right[i]);
  return at >= 0 && (left[at] ?? 0) < (right[at] ?? 0);
}

/** How the refusal of a target's image goes on; undefined: that image refuses nothing. */
export function guardOf(target: string): string | undefined {
  const [, minor = 0, patch = 0] = numbersOf(target);
  if (minor < 24 || patch < (FIRST_GUARDED[minor] ?? 0)) return undefined;
  return minor < 30 || patch <= (LAST_OF_OLD_WORDS[minor] ?? -1) ? 'version k3s version' : 'k3s version';
}
/** The first patch release of a minor that has the guard; later minors all have it. */
const FIRST_GUARDED: Record<number, number> = { 24: 16, 25: 12, 26: 7, 27: 4 };
const LAST_OF_OLD_WORDS: Record<number, number> = { 30: 12, 31: 8, 32: 4, 33: 0 };
