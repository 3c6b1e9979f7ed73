// Objects of API version v1 (0.3.7 and older) as v2beta1 has them, field by field: what an upgrade to 0.4.0 and later has to write, since nothing converts them.
// Sources: charts/spiderpool/crds@v0.3.7, @v0.4.0, @v0.8.2 (schemas); pkg/ippoolmanager, pkg/workloadendpointmanager, pkg/subnetmanager at these tags (what the strings hold).
import type { Change, Json, PointReader, Raw, Text } from '../../engine/contracts.ts';
import { rowOf } from '../../engine/read/index.ts';
import { deepEqual, isRaw } from '../../kube/json.ts';
import { formatPointer, pointerGet } from '../../kube/pointer.ts';
import { describe, refOf } from '../../kube/refs.ts';
import { satisfies } from '../../versions/chart.ts';
import { AUTO_POOL, affinityFor, isAuto, labelsFor, ownerOf } from './auto-pools.ts';
import { notes } from './knowledge/tables.ts';

const GROUP = 'spiderpool.spidernet.io';
export const [OLD_API, NEW_API] = [`${GROUP}/v1`, `${GROUP}/v2beta1`];

export interface Converting {
  target: string;
  /** uid by `NAMESPACE/NAME`. */
  pods: ReadonlyMap<string, string>;
  /** Names of the cluster's default pools. */
  defaults: readonly string[];
  look: PointReader;
}
/** What changes of one object; or why it cannot be converted. */
export type Converted = { changes: Change[] } | { refused: Text };

export async function converted(object: Raw, at: Converting): Promise<Converted> {
  if (pointerGet(object, '/metadata/deletionTimestamp') !== undefined) return refused(object, LEAVING);
  const owners = ownersOf(object);
  if (object.kind === 'SpiderEndpoint') return withOwners(owners, endpoint(object, at));
  if (object.kind === 'SpiderIPPool') return withOwners(owners, await pool(object, at));
  if (object.kind === 'SpiderSubnet') return withOwners(owners, subnet(object));
  return { changes: owners };
}

const withOwners = (owners: Change[], made: Converted): Converted => ('changes' in made ? { changes: [...owners, ...made.changes] } : made);
const change = (path: string, before: Json | undefined, after: Json | undefined): Change[] =>
  deepEqual(before, after) ? [] : [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
const rawAt = (object: Raw, path: string): Raw => {
  const value = pointerGet(object, path);
  return isRaw(value) ? value : {};
};
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** Owners of the old version could no longer be looked up. */
function ownersOf(object: Raw): Change[] {
  const path = '/metadata/ownerReferences';
  const before = pointerGet(object, path);
  if (!Array.isArray(before)) return [];
  const after = before.map((owner) => (isRaw(owner) && owner.apiVersion === OLD_API ? { ...owner, apiVersion: NEW_API } : owner));
  return change(path, before, after);
}

// ---- SpiderEndpoints ------------------------------------------------------------------------------------------------

/** current.uid is new and required, as are both words about the owner; history, container and time are no more. */
function endpoint(object: Raw, { pods }: Converting): Converted {
  const status = rawAt(object, '/status');
  const { namespace = '', name } = refOf(object);
  const current = isRaw(status.current) ? status.current : undefined;
  if (!current || !Array.isArray(current.ips)) return refused(object, NO_CURRENT);
  const type = textOf(status.ownerControllerType);
  const isBare = type === '' || type === 'None';
  const after: Raw = {
    current: { uid: pods.get(`${namespace}/${name}`) ?? '', node: textOf(current.node), ips: current.ips },
    ownerControllerType: isBare ? 'Pod' : type,
    ownerControllerName: isBare ? name : textOf(status.ownerControllerName),
  };
  return { changes: change('/status', status, after) };
}

// ---- SpiderIPPools --------------------------------------------------------------------------------------------------

async function pool(object: Raw, at: Converting): Promise<Converted> {
  const { allocatedIPs: before, allocatedIPCount, autoDesiredIPCount } = rawAt(object, '/status');
  if (before !== undefined && !isRaw(before)) return refused(object, NO_RECORDS);
  const records = recordsOf(before ?? {}, at);
  const count = Object.keys(records).length;
  const auto = await autoPool(object, at, count, autoDesiredIPCount);
  if ('refused' in auto) return auto;
  const isDefault = at.defaults.includes(refOf(object).name);
  return {
    changes: [
      ...change('/status/allocatedIPs', before, count ? JSON.stringify(records) : undefined),
      ...(isRaw(before) ? change('/status/allocatedIPCount', allocatedIPCount, count) : []),
      ...change('/status/autoDesiredIPCount', autoDesiredIPCount, undefined),
      ...(isDefault ? change('/spec/default', pointerGet(object, '/spec/default'), true) : []),
      ...auto.changes,
    ],
  };
}

/** By IP. What a Pod held that is gone is not taken along, but for that of a StatefulSet, whose next Pod gets the same IP. */
function recordsOf(before: Raw, { pods, target }: Converting): Raw {
  const entries = Object.entries(before).flatMap(([ip, record]): [string, Raw][] => {
    if (!isRaw(record)) return [];
    const pod = `${textOf(record.namespace)}/${textOf(record.pod)}`;
    const podUid = pods.get(pod);
    if (podUid === undefined && record.ownerControllerType !== 'StatefulSet') return [];
    const made: Raw = { pod, podUid: podUid ?? '' };
    return [[ip, satisfies(target, notes().storage.recordsInterface) ? { interface: textOf(record.interface), ...made } : made]];
  });
  return Object.fromEntries(entries);
}

/** The labels and podAffinity by which 0.5.0 and later find it (auto-pools.ts). One whose owner is gone stays as it is, if none of its IPs is in use. */
async function autoPool(object: Raw, { look, target }: Converting, count: number, wanted: Json | undefined): Promise<Converted> {
  const its = rowOf(AUTO_POOL)(object);
  if (!isAuto(its)) return { changes: [] };
  if (!satisfies(target, notes().autoPools.to)) return refused(object, TOO_OLD_FOR_AUTO);
  const owner = await ownerOf(its, look);
  if (owner.is === 'gone' && count === 0) return { changes: [] };
  if (owner.is !== 'owner') return refused(object, NO_OWNER);
  const number = formatPointer(['metadata', 'annotations', 'ipam.spidernet.io/ippool-ip-number']);
  return {
    changes: [
      ...Object.entries(labelsFor(its, owner)).flatMap(([key, value]) =>
        change(formatPointer(['metadata', 'labels', key]), its.labels[key], value),
      ),
      ...change('/spec/podAffinity', its.affinity, affinityFor(owner)),
      ...(typeof wanted === 'number' ? change(number, pointerGet(object, number), String(wanted)) : []),
    ],
  };
}

// ---- SpiderSubnets --------------------------------------------------------------------------------------------------

/** A map of pools becomes JSON in a string; up to 0.2.2 there was none yet, only IPs that were free. */
function subnet(object: Raw): Converted {
  const status = rawAt(object, '/status');
  if (status.freeIPs !== undefined) return refused(object, FREE_IPS);
  const { controlledIPPools: before } = status;
  if (!isRaw(before)) return { changes: [] };
  const after = Object.keys(before).length ? JSON.stringify(before) : undefined;
  return { changes: change('/status/controlledIPPools', before, after) };
}

// ---- words ----------------------------------------------------------------------------------------------------------

const refused = (object: Raw, { en, zh }: Text): Converted => ({
  refused: { en: `${describe(refOf(object))} ${en}`, zh: `${describe(refOf(object))} ${zh}` },
});
const LEAVING: Text = { en: 'is being deleted', zh: '正在删除' };
const NO_CURRENT: Text = { en: 'has no allocated IPs in status.current: delete it', zh: '的 status.current 中没有已分配的 IP：请删除' };
const NO_RECORDS: Text = { en: 'has a status.allocatedIPs that cannot be read', zh: '的 status.allocatedIPs 无法读取' };
const FREE_IPS: Text = {
  en: 'has status.freeIPs of 0.2.2 or older: upgrade to 0.3.7 first',
  zh: '含有 0.2.2 及更早版本的 status.freeIPs：请先升级到 0.3.7',
};
const NO_OWNER: Text = {
  en: 'is an automatic pool in use whose application cannot be determined: release its IPs and delete it',
  zh: '是使用中的自动池，但无法确定所属应用：请释放其 IP 并删除该池',
};
const TOO_OLD_FOR_AUTO: Text = {
  en: 'is an automatic pool: only 0.5.0 and later find it by labels that can be set; choose such a target',
  zh: '是自动池：只有 0.5.0 及以后才通过可设置的标签查找它；请选择这样的目标版本',
};
