// rbac: the minimal ClusterRole for a command, for the systems that are installed where a cluster is at hand, else for all; and what it cannot know.
import { stringify } from 'yaml';
import { rightsOfHelm } from '../../chart/intent.ts';
import { LEASE_RULES } from '../../cluster/lease.ts';
import { type Installation, type Rule, type Source, type System, type Text, WorldError } from '../../engine/contracts.ts';
import { examine } from '../../engine/examine.ts';
import { orTrouble } from '../../engine/performing.ts';
import { rightsToCheck, rightsToFix, rightsToUpgrade } from '../../engine/rights.ts';
import { standing } from '../../helm/world.ts';
import { SYSTEMS } from '../../systems/index.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import type { Call } from '../call.ts';
import { openSource } from '../session.ts';

export async function rbac(call: Call): Promise<number> {
  const what = call.flags.for ?? 'check';
  const { rules, notes } = what === 'check' ? { rules: rightsToCheck(SYSTEMS), notes: [] } : await rightsHere(call, what);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `upgrade-guard-${what}` },
    rules: rules.map(({ group, resource, verbs, names, nonResourceURLs }) =>
      nonResourceURLs
        ? { nonResourceURLs, verbs }
        : { apiGroups: [group], resources: [resource], ...(names ? { resourceNames: names } : {}), verbs },
    ),
  };
  // kubectl reads YAML 1.1: `version` quotes what it would take for something else.
  call.out(stringify(role, { version: '1.1', lineWidth: 0 }).trimEnd());
  for (const note of notes) call.say(`# ${call.t(note)}`);
  call.say(
    call.t({
      en: `# Grant it to a user: kubectl create clusterrolebinding ${role.metadata.name} --clusterrole=${role.metadata.name} --user=NAME (replace NAME)`,
      zh: `# 授予用户：kubectl create clusterrolebinding ${role.metadata.name} --clusterrole=${role.metadata.name} --user=NAME（请替换 NAME）`,
    }),
  );
  return EXIT.ok;
}

interface Rights {
  rules: Rule[];
  notes: Text[];
}

/** Of the systems that are installed; of all where that cannot be told. To find them is part of every command, so that detection's reads stay. */
async function rightsHere(call: Call, what: string): Promise<Rights> {
  const seen = await installed(call);
  const systems = SYSTEMS.map((system) =>
    !seen || seen.unsure.has(system.id) || seen.systems.has(system.id) ? system : { ...system, checks: [], writes: [] },
  );
  const notes = seen ? seen.notes : [ALL];
  if (what === 'fix') return { rules: rightsToFix(systems, LEASE_RULES), notes };
  return {
    rules: rightsToUpgrade(systems, LEASE_RULES, seen?.helm ?? []),
    notes: [...notes, seen?.helm.length ? HELM_MORE : HELM_UNKNOWN],
  };
}

interface Seen {
  systems: ReadonlySet<string>;
  /** Whether they are installed could not be told. */
  unsure: ReadonlySet<string>;
  helm: Rule[];
  notes: Text[];
}

/** undefined: no cluster is at hand. */
async function installed(call: Call): Promise<Seen | undefined> {
  let opened: Awaited<ReturnType<typeof openSource>>;
  try {
    opened = await openSource(call);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  try {
    const found = new Map<string, Installation[]>();
    const unsure = new Set<string>();
    for (const system of SYSTEMS) {
      const { installations, absent } = await examine(opened.source, [onlyFound(system)], {});
      found.set(system.id, installations);
      if (!installations.length && !absent.includes(system.id)) unsure.add(system.id);
    }
    const installations = [...found.values()].flat();
    const names = installations.map(({ id }) => id).join(', ');
    return {
      ...{ systems: new Set(installations.map(({ system }) => system)), unsure, helm: await helmRights(opened.source, installations) },
      notes: [{ en: `For what is installed: ${names || 'nothing that is known'}`, zh: `针对已安装的内容：${names || '没有已知的系统'}` }],
    };
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  } finally {
    opened.close();
  }
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
