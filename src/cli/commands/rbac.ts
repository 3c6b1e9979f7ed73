// rbac: the minimal ClusterRole for a command, for the systems that are installed where a cluster is at hand, else for all; and what it cannot know.
import { stringify } from 'yaml';
import { rightsOfHelm } from '../../chart/intent.ts';
import { LEASE_RULES } from '../../cluster/lease.ts';
import {
  type Installation,
  type ResourceName,
  type Rule,
  type Source,
  type System,
  type Text,
  WorldError,
} from '../../engine/contracts.ts';
import { examine } from '../../engine/examine.ts';
import { isGap } from '../../engine/gaps.ts';
import { gather, namedIn } from '../../engine/gather.ts';
import { orTrouble } from '../../engine/performing.ts';
import { stepsOf } from '../../engine/plan.ts';
import { rightsOf, rightsToCheck, rightsToFix, rightsToUpgrade } from '../../engine/rights.ts';
import { standing } from '../../helm/world.ts';
import { SYSTEMS } from '../../systems/index.ts';
import { installationName } from '../../text/installation-name.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { bindingOf } from '../bound.ts';
import type { Call } from '../call.ts';
import { planAll } from '../repair.ts';
import { openSource } from '../session.ts';

export async function rbac(call: Call): Promise<number> {
  const what = call.flags.for ?? 'check';
  const name = `upgrade-guard-${what}`;
  // Before the cluster is asked: one that is mistyped needs no answer.
  const bindings = (call.flags['bind-to'] ?? []).map((to) => bindingOf(name, to));
  const { rules, notes } = what === 'check' ? await toCheckHere(call) : await rightsHere(call, what);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: rules.map(({ group, resource, verbs, names, nonResourceURLs }) =>
      nonResourceURLs
        ? { nonResourceURLs, verbs }
        : { apiGroups: [group], resources: [resource], ...(names ? { resourceNames: names } : {}), verbs },
    ),
  };
  // kubectl reads YAML 1.1: `version` quotes what it would take for something else.
  const yaml = (object: object) => stringify(object, { version: '1.1', lineWidth: 0 }).trimEnd();
  call.out(yaml(role), ...bindings.flatMap((binding) => ['---', yaml(binding)]));
  for (const note of notes) call.say(`# ${call.t(note)}`);
  if (!bindings.length)
    call.say(
      call.t({
        en: `# Grants nothing yet. Grant it to a user (replace NAME): {retry} --bind-to user/NAME | kubectl${call.face.aim?.kubectl ?? ''} apply -f -`,
        zh: `# 尚未授予任何权限。授予用户（请替换 NAME）：{retry} --bind-to user/NAME | kubectl${call.face.aim?.kubectl ?? ''} apply -f -`,
      }),
    );
  return EXIT.ok;
}

interface Rights {
  rules: Rule[];
  notes: Text[];
}

/** Of every system, since each is looked for; and of the custom resources of the cluster at hand. */
async function toCheckHere(call: Call): Promise<Rights> {
  const custom = await here(call, (source) => customResources(source));
  return { rules: rightsToCheck(SYSTEMS, custom), notes: custom ? [] : [NO_CUSTOM] };
}

/** Those that checks read and only the cluster tells of. */
async function customResources(source: Source): Promise<ResourceName[]> {
  const named = SYSTEMS.flatMap(({ checks }) => checks.flatMap(({ reads }) => namedIn(reads)));
  const lists = Object.fromEntries(named.map(({ by }, at) => [at, by]));
  const rows = (await gather(source, [{ owner: 'rbac', reads: lists }])).get('rbac')!;
  return named.flatMap(({ wants }, at) => {
    const seen = rows[at]!;
    return isGap(seen) ? [] : wants(seen).map(({ resource }) => resource);
  });
}

/** Of the systems that are installed; of all where that cannot be told. To find them is part of every command, so that detection's reads stay. */
async function rightsHere(call: Call, what: string): Promise<Rights> {
  const seen = await here(call, installed);
  const systems = SYSTEMS.map((system) =>
    !seen || seen.unsure.has(system.id) || seen.systems.has(system.id) ? system : { ...system, checks: [], writes: [] },
  );
  const notes = seen ? seen.notes : [ALL];
  const rewrites = seen?.rewrites ?? [];
  if (what === 'fix') return { rules: rightsToFix(systems, LEASE_RULES, seen?.custom, rewrites), notes };
  return {
    rules: rightsToUpgrade(systems, LEASE_RULES, [...(seen?.helm ?? []), ...rewrites], seen?.custom),
    notes: [...notes, seen?.helm.length ? HELM_MORE : HELM_UNKNOWN],
  };
}

interface Seen {
  systems: ReadonlySet<string>;
  /** Whether they are installed could not be told. */
  unsure: ReadonlySet<string>;
  helm: Rule[];
  /** Resources. */
  custom: ResourceName[];
  /** Of custom resources that a fix would rewrite now. */
  rewrites: Rule[];
  notes: Text[];
}

/** undefined: no cluster is at hand. */
async function here<T>(call: Call, ask: (source: Source) => Promise<T>): Promise<T | undefined> {
  let opened: Awaited<ReturnType<typeof openSource>>;
  try {
    opened = await openSource(call);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  try {
    return await ask(opened.source);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  } finally {
    opened.close();
  }
}

async function installed(source: Source): Promise<Seen> {
  const found = new Map<string, Installation[]>();
  const unsure = new Set<string>();
  for (const system of SYSTEMS) {
    const { installations, absent } = await examine(source, [onlyFound(system)], {});
    found.set(system.id, installations);
    if (!installations.length && !absent.includes(system.id)) unsure.add(system.id);
  }
  const installations = [...found.values()].flat();
  const names = installations.map(({ id }) => installationName(id)).join(', ');
  return {
    ...{ systems: new Set(installations.map(({ system }) => system)), unsure, helm: await helmRights(source, installations) },
    custom: await customResources(source),
    rewrites: await rewritten(source),
    notes: [{ en: `For what is installed: ${names || 'nothing that is known'}`, zh: `针对已安装的系统：${names || '没有已知的系统'}` }],
  };
}

/** Checks declare what their fixes write, but of which CRDs the objects have to be rewritten only their findings tell. */
async function rewritten(source: Source): Promise<Rule[]> {
  const checks = SYSTEMS.flatMap((system) => system.checks.filter(({ remedy }) => remedy).map(({ id }) => id));
  const { remedies } = await examine(source, SYSTEMS, { checks });
  return stepsOf(await planAll(remedies)).flatMap((step) => (step.do === 'migrate' ? rightsOf(step) : []));
}

const onlyFound = (system: System): System => ({ ...system, checks: [] });

/** By the objects that the releases have now. */
async function helmRights(source: Source, installations: readonly Installation[]): Promise<Rule[]> {
  const rules: Rule[] = [];
  for (const { release, system } of installations) {
    if (!release || !SYSTEMS.find(({ id }) => id === system)?.chart) continue;
    const stands = await orTrouble(standing(release, source));
    if (stands && !(stands instanceof WorldError)) rules.push(...rightsOfHelm(release, stands));
  }
  return rules;
}

const NO_CUSTOM: Text = {
  en: 'Cluster not reachable: includes the custom resources of CRDs in wide use only',
  zh: '无法连接集群：自定义资源仅包含常用 CRD',
};
const ALL: Text = {
  en: 'Cluster not reachable: includes the permissions of all supported systems',
  zh: '无法连接集群：包含所有受支持系统所需的权限',
};
const HELM_MORE: Text = {
  en: 'helm: derived from the installed releases. Not included: objects that the new chart adds, and roles that helm grants (verbs bind, escalate)',
  zh: 'helm：依据已安装的 release 得出；不包含新 chart 增加的对象，以及 helm 授予角色所需的权限（bind、escalate）',
};
const HELM_UNKNOWN: Text = {
  en: 'helm: not included, because no Helm release could be read; helm needs permissions for every object of the chart',
  zh: 'helm：无法读取 Helm release，因此不包含其所需权限；helm 需要 chart 中每个对象的权限',
};
