// The grid: one line per case of a check. A case lies over the system's `installed.yaml`, goes through the engine's public road, and is held to what it says.
// Besides, over all cases of a check: it reads what it declares, all of it and nothing else; and every sentence exists in both languages.
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { intendedBy } from '../src/chart/intended.ts';
import { objectName } from '../src/engine/acceptance.ts';
import type { Check, CheckResult, Entry, ListRead, Raw, Read, Run, Step } from '../src/engine/contracts.ts';
import { examine } from '../src/engine/examine.ts';
import { executeRun, executeUndo } from '../src/engine/execute.ts';
import { parseTarget } from '../src/engine/paths.ts';
import { inverseOf } from '../src/engine/perform.ts';
import { makePlan, stepsOf } from '../src/engine/plan.ts';
import { progressOf } from '../src/engine/progress.ts';
import { isOfDeclarer } from '../src/engine/read/declarer.ts';
import { isAllowed, rightOf } from '../src/engine/rights.ts';
import type { Intent } from '../src/helm/contracts.ts';
import { withRecords } from '../src/helm/revise.ts';
import { wrongInRun } from '../src/journal/well-formed.ts';
import { ALWAYS, type FieldRead, recording, undeclared } from '../src/kube/fields.ts';
import { refOf } from '../src/kube/refs.ts';
import { parseResourceName, ruleText } from '../src/kube/resources.ts';
import type { Dump } from '../src/snapshot/dump.ts';
import { readDump } from '../src/snapshot/read.ts';
import { dumpSource, resourcesByKind } from '../src/snapshot/source.ts';
import { dumpWorld } from '../src/snapshot/world.ts';
import { checkOf, SYSTEMS } from '../src/systems/index.ts';
import { textOf } from '../src/text/language.ts';
import { type Laid, layOut } from './fixtures.ts';

export interface Case extends Laid {
  /** As --to takes it. */
  to?: string;
  /** As --back-to takes it. */
  backTo?: string;
  /** As --nodes takes it. */
  nodes?: 'drain' | 'in-place' | 'replace';
  /** As --values, --set and the reuse flags give it. */
  intent?: Intent;
  /** `passed`, `unknown`, `not-applicable`, or `SEVERITY OBJECT[, OBJECT…]` per finding. */
  expect: string | string[];
  /** Among the sentences of its findings, their evidence, certainty and hop (`at 1.31`, `at no hop`), or what it could not see. */
  says?: string[];
  /** What the remedy changes, as `OBJECT PATH: BEFORE → AFTER`; rehearsed, and the finding must be gone after it. */
  steps?: string[];
}

const folders: string[] = [];

/** A folder of `--from` for one case; removed when the file's tests end. */
export function laid(check: string, each: Laid & Partial<Case>): string {
  const folder = layOut(check, each);
  folders.push(folder);
  return folder;
}

export function grid(id: string, cases: readonly Case[]): void {
  const check = checkOf(id);
  afterAll(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  describe(id, () => {
    for (const each of cases) {
      test(nameOf(each), async () => {
        const dump = await readDump(laid(id, each));
        const result = await resultOf(check, dump, each);
        expect(said(result), JSON.stringify(result, null, 1)).toEqual([each.expect].flat());
        for (const words of each.says ?? []) expect(sentences(result)).toContain(words);
        bothLanguages(result, check);
        // By these a finding is accepted and compared.
        const fingerprints = result.findings.map(({ fingerprint }) => fingerprint);
        expect(new Set(fingerprints).size, `two findings have one fingerprint: ${fingerprints}`).toBe(fingerprints.length);
        if (each.steps) await rehearsed(check, dump, each);
      });
    }
    test('reads what it declares, all of it and nothing else', { timeout: 30_000 }, async () => {
      const dumps = await Promise.all(cases.map((each) => readDump(laid(id, each))));
      // Reads that are generated share their columns: what one of them reads, all do.
      const alike = new Map<string, { name: string; fields: readonly string[]; reads: FieldRead[] }>();
      for (const [name, read] of Object.entries(check.reads as Record<string, Read>)) {
        if (read.read !== 'list') continue;
        const reads: FieldRead[] = [];
        for (const dump of dumps) reads.push(...(await readBy(read, dump)));
        expect(undeclared(reads, read.fields), `${name} reads undeclared fields`).toEqual([]);
        const key = read.fields.join(' ');
        const same = alike.get(key) ?? { name, fields: read.fields, reads: [] };
        same.reads.push(...reads);
        alike.set(key, same);
      }
      for (const { name, fields, reads } of alike.values()) {
        const never = fields.filter(
          (field) => !isOfDeclarer(field) && !reads.some((each) => each.field === field || each.field.startsWith(field)),
        );
        expect(never, `${name} declares fields that no case made it read`).toEqual([]);
      }
    });
    test('a case that fires and one that stays silent', () => {
      const outcomes = cases.map((each) => [each.expect].flat()[0]!);
      expect(outcomes.some((outcome) => /^(blocker|warning|notice) /.test(outcome))).toBe(true);
      expect(outcomes).toContain('passed');
    });
  });
}

const nameOf = ({
  base = 'installed',
  fixture = base,
  objects,
  intent,
  to,
  backTo,
  nodes,
  server,
  forbidden,
  bare,
  expect: expected,
}: Case): string =>
  [
    fixture,
    objects?.map(({ metadata }) =>
      Object.values((metadata as Raw).annotations ?? {})
        .join(' ')
        .slice(0, 200),
    ),
    intent && JSON.stringify(intent),
    server && `on ${server}`,
    to && `to ${to}`,
    backTo && `back to ${backTo}`,
    nodes && `nodes ${nodes}`,
    forbidden && `without ${forbidden}`,
    bare && 'not a whole dump',
    '→',
    [expected].flat().join('; '),
  ]
    .filter(Boolean)
    .join(' ');

const asked = (check: Check, { to, backTo, nodes, intent }: Case) => ({
  nodes,
  checks: [check.id],
  targets: [...(to ? [parseTarget(to, SYSTEMS)] : []), ...(backTo ? [parseTarget(backTo, SYSTEMS, undefined, 'back-to')] : [])],
  intended: intendedBy({ intent }),
});

async function resultOf(check: Check, dump: Dump, each: Case): Promise<CheckResult> {
  const { results } = await examine(dumpSource(dump), SYSTEMS, asked(check, each));
  expect(results).toHaveLength(1);
  return results[0]!;
}

const said = ({ outcome, findings }: CheckResult): string[] =>
  outcome === 'found' ? findings.map(({ severity, objects }) => `${severity} ${objects.map(objectName).join(', ')}`) : [outcome];

const sentences = ({ findings, gaps, note }: CheckResult): string =>
  [
    ...findings.flatMap(({ message, evidence, certainty, hop }) => [
      message.en,
      ...evidence.map(({ seen }) => textOf(seen).en),
      certainty,
      `at ${hop ?? 'no hop'}`,
    ]),
    ...gaps.flatMap(({ resource, detail, settle }) => [`${resource}: ${detail}`, settle?.en]),
    note?.en,
  ].join('\n');

async function rehearsed(check: Check, dump: Dump, each: Case): Promise<void> {
  const source = dumpSource(dump);
  const { remedies } = await examine(source, SYSTEMS, asked(check, each));
  const proposals = await Promise.all(
    remedies.map(async ({ findings, propose }) => ({ ...(await propose(findings)), reasons: findings.map((f) => f.fingerprint) })),
  );
  const plan = makePlan(proposals);
  const steps = stepsOf(plan);
  const changes = steps.flatMap((step) =>
    step.do === 'patch'
      ? step.changes.map((c) => `${objectName(step.on)} ${c.path}: ${c.before ?? '∅'} → ${c.after ?? '∅'}`)
      : step.do === 'manual'
        ? step.commands
        : [],
  );
  // What a person runs in the place of an upgrade is not a step.
  const beside = plan.refusals.filter(({ commands }) => commands);
  expect([...changes, ...beside.flatMap(({ commands = [] }) => commands)]).toEqual(each.steps);
  for (const { text } of steps) hasBoth(text);
  for (const { refused } of beside) hasBoth(refused);
  permitted(check, steps, dump);
  const identity = await source.identity();
  const at = new Date().toISOString();
  const run: Run = { schema: 2, id: 'grid', tool: '', what: '', at, checks: [check.id], stages: plan.stages, cluster: identity };
  expect(wrongInRun(JSON.parse(JSON.stringify(run)), 'grid'), 'what a stored run may be').toBeUndefined();
  if (beside.length || steps.some((step) => step.do === 'manual')) return;
  const entries: Entry[] = [];
  const means = {
    world: withRecords(dumpWorld(dump)),
    journal: { append: async (entry: Entry) => void entries.push(structuredClone(entry)) },
    halt: new AbortController().signal,
  };
  const before = steady(dump);
  expect((await executeRun(run, { ...means, progress: progressOf([]) })).state).toBe('finished');
  expect(said(await resultOf(check, dump, each))).toEqual(['passed']);
  undoPermitted(check, steps, entries);
  if (steps.some(({ undo }) => undo !== 'exact')) return;
  expect((await executeUndo(run, { ...means, progress: progressOf(entries) })).state).toBe('finished');
  expect(steady(dump), 'what undo: exact promises').toEqual(before);
}

/** Every object, without what a server counts up. */
function steady(dump: Dump): Raw[] {
  return [...dump.collected.values()].flatMap(({ objects }) =>
    objects.map(({ metadata, ...rest }) => {
      const { resourceVersion: _, generation: __, ...kept } = metadata as Raw;
      return structuredClone({ metadata: kept, ...rest });
    }),
  );
}

const VERBS: Partial<Record<Step['do'], string>> = { patch: 'patch', create: 'create', apply: 'patch', delete: 'delete', evict: 'create' };

/** What the steps write is what the remedy says that it writes; `rbac` prints that. */
function permitted(check: Check, steps: readonly Step[], dump: Dump): void {
  const resourceOf = resourcesByKind(dump);
  for (const step of steps) {
    const verb = VERBS[step.do];
    const on = 'on' in step ? step.on : 'object' in step ? refOf(step.object) : undefined;
    if (!verb || !on) continue;
    const { group, resource } = parseResourceName(resourceOf(on));
    const below = step.do === 'evict' ? '/eviction' : step.do === 'patch' && step.subresource ? `/${step.subresource}` : '';
    const rule = { group, resource: `${resource}${below}`, verb };
    const has = check.remedy?.writes.some((each) => each.group === group && each.resource === rule.resource && each.verbs.includes(verb));
    expect(has, `the remedy's writes lack ${JSON.stringify(rule)}`).toBe(true);
  }
}

/** The same of their undo. */
function undoPermitted({ remedy }: Check, steps: readonly Step[], entries: readonly Entry[]): void {
  const progress = progressOf(entries);
  for (const step of steps) {
    const inverse = inverseOf(step, progress);
    if ('none' in inverse) continue;
    const right = rightOf(inverse);
    if (right) expect(isAllowed(right, remedy!.writes), `the remedy's writes lack ${ruleText(right)}, for its undo`).toBe(true);
  }
}

async function readBy(read: ListRead, dump: Dump): Promise<FieldRead[]> {
  const reads: FieldRead[] = [];
  await dumpSource(dump).list(
    { resource: read.resource, labels: read.labels, fields: 'whole' },
    {
      object: (object: Raw) => {
        const recorded = recording(object);
        read.keep(recorded.object);
        reads.push(...recorded.reads());
      },
      restart: () => {},
    },
  );
  return reads.filter(({ field }) => !ALWAYS.includes(field));
}

function bothLanguages({ findings, note }: CheckResult, check: Check): void {
  for (const text of [check.title, check.headline, ...Object.values(check.page), note, ...findings.map(({ message }) => message)])
    if (text) hasBoth(text);
  for (const { seen } of findings.flatMap(({ evidence }) => evidence)) {
    const { en, zh } = textOf(seen);
    if (zh !== en) hasBoth({ en, zh: zh.replace(QUOTED, '') });
    else noEnglish(zh.replace(QUOTED, '').replace(/: .*/s, '')); // what stands behind a field is its value
  }
}

/** Names of products, kinds, fields, values, flags and commands stay as they are in Chinese text; other English words do not. */
const NAMES =
  /\b(?:topology|zone|Parallel|Ingress|Gateway API|Traefik|Windows|etcdutl|Backup|bundle|beta|watchcache|Issuer|validatingadmissionpolicybindings|Envoy|Pipy|Prometheus|Grafana|Jaeger|Fluent Bit|Events?|Insufficient cpu|Open Service Mesh|manifest|fsm|image|kubectl set image|configmap|map|helm history|helm get values|upgrade-guard(?: undo)?|rbac|Multus|default|calico|multus|Linux|coordinator|mode|disabled|Synced|Pending|crds|httpPort|free|ports|osm|master|Never|Always|Endpoints|Recursive|Ubuntu|Amazon|dockershim|systemd|Corefile|CoreDNS|containerd|Docker|Velero|iptables|sidecars?|pipy|upgrade(?: spiderpool)?|codebase|controller|agent|kubectl(?: [\w,./-]+)+|kubeadm(?: (?:upgrade|config|migrate|node))*|etcdctl(?: endpoint status)?|ipvs|nftables|userspace|seccomp|schedule|requestheader|cgroup|mode|Lease|rules|provisioner|nodes|leases|init|poddisruptionbudgets|kops|Talos|Services?|Ready|Available|CRD|Fail|Ignore|Unknown|webhooks?|drain|cordon|prepare|concurrency|quorum|etcd|matches|kind|for|last-applied|apiVersion|Node|Role|Job|Jobs|Plan|Rancher|Argo|Flux|kured|kubectl|kubelet|tag|channel|True|finalizers?|hash|log|Spider\w+|[A-Z]\w*[A-Z]\w*|[a-z]+[A-Z]\w*|mtu|false|values|Succeeded|Failed|Running|Helm|helm(?: upgrade| rollback| uninstall| pull spiderpool)?|chart|multus|Kubernetes|Pod|Pods|Secret|ConfigMap|Deployment|None|API|server|release|status|revision|labels?|pending|failed|deployed|superseded|uninstall(?:ed|ing)|webhook|schema|fix|by|driver|true|null|Complete|issues)\b|[\w.-]*[._/=-][\w./=-]*|\S*\d\S*/g;

/** What evidence repeats of fixtures: a line of a log, a message, a value. */
const QUOTED = /node\/\S+ cordoned|Error: Current .*|容器 (?:cordon|upgrade)|failed on Node \S+ DeadlineExceeded: too long|"verbose"/g;

function hasBoth({ en, zh }: { en: string; zh: string }): void {
  expect(en).not.toMatch(/[\u4e00-\u9fff]/);
  expect(zh, en).toMatch(/[\u4e00-\u9fff]/);
  expect(zh).not.toMatch(/） \p{Script=Han}|\p{Script=Han} （/u);
  noEnglish(zh);
}

function noEnglish(zh: string): void {
  const words =
    zh
      .replace(/“[^”]*”/g, ' ')
      .replace(NAMES, ' ')
      .match(/[A-Za-z]{3,}/g) ?? [];
  expect(words, `English words in: ${zh}; translate them, or add what is a name to NAMES in test/grid.ts`).toEqual([]);
}
