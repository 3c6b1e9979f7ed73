// Examinations, plans and runs for the goldens: written here where no fixture can show it, such as two hundred findings, an unreachable API, names that attack a terminal.
import type {
  Check,
  CheckResult,
  Gap,
  Installation,
  JudgedFinding,
  Ref,
  Severity,
  Step,
  StepDraft,
  Text,
} from '../../src/engine/contracts.ts';
import type { Examination } from '../../src/engine/examine.ts';
import type { Catalogue } from '../../src/report/view.ts';
import { compare } from '../../src/versions/chart.ts';

const IDENTITY = { uid: '0d5d52a8-0000-4000-8000-000000000001', certain: true, server: 'https://10.0.0.1:6443', context: 'prod-1' };

const HEADLINES: Record<string, { title: Text; headline: Text }> = {
  'spiderpool/duplicate-pod-ip': {
    title: { en: 'no two running Pods share an IP', zh: '没有两个运行中的 Pod 使用同一 IP' },
    headline: { en: 'IP conflict: two running Pods share one IP', zh: 'IP 冲突：两个运行中的 Pod 使用同一 IP' },
  },
  'spiderpool/owner-controller-type': {
    title: { en: 'no SpiderEndpoint names its owner None', zh: '没有 SpiderEndpoint 的属主类型为 None' },
    headline: { en: 'SpiderEndpoints still have ownerControllerType None', zh: '仍有 SpiderEndpoint 的 ownerControllerType 为 None' },
  },
  'spiderpool/release-deployed': {
    title: { en: 'the Helm release can be upgraded', zh: 'Helm release 可以升级' },
    headline: { en: 'the Helm release cannot be upgraded', zh: 'Helm release 不能升级' },
  },
  'spiderpool/values-keys': {
    title: { en: 'every value that is set is still read', zh: '设置过的每个 values 键仍会被读取' },
    headline: { en: 'values that are set are no longer read', zh: '有设置过的 values 键不再被读取' },
  },
  'k3s/channel': {
    title: { en: 'the channel resolves to a newer version', zh: 'channel 解析出的版本更新' },
    headline: { en: 'the channel resolves to no newer version', zh: 'channel 解析出的版本没有更新' },
  },
};

export const CATALOGUE: Catalogue = {
  systems: [
    { id: 'spiderpool', title: { en: 'Spiderpool', zh: 'Spiderpool' }, knownUpTo: '1.1.0', compare },
    { id: 'k3s', title: { en: 'K3s', zh: 'K3s' }, knownUpTo: 'v1.36.3+k3s1', compare },
  ],
  checks: new Map([
    ...Object.entries(HEADLINES),
    ...Array.from({ length: 30 }, (_, i) => [`spiderpool/fine-${i}`, HEADLINES['spiderpool/values-keys']!] as const),
  ]),
};

const installation = (name = 'spiderpool', namespace = 'kube-system'): Installation => ({
  id: `spiderpool@${namespace}/${name}`,
  system: 'spiderpool',
  namespace,
  name,
  version: '0.9.4',
  sources: [],
  byHelm: true,
  release: { namespace, name, revision: 7, status: 'deployed' },
});

export const ref = (kind: string, namespace: string, name: string): Ref => ({ apiVersion: 'v1', kind, namespace, name });

interface Told {
  severity?: Severity;
  message: Text;
  objects?: Ref[];
  certainty?: JudgedFinding['certainty'];
  accepted?: boolean;
  evidence?: JudgedFinding['evidence'];
  hop?: string;
}
export const finding = ({
  severity = 'blocker',
  message,
  objects = [],
  certainty = 'certain',
  accepted = false,
  evidence = [],
  hop,
}: Told): JudgedFinding => ({
  severity,
  key: [message.en],
  certainty,
  objects,
  args: {},
  evidence,
  hop,
  fingerprint: '00112233445566aa',
  message,
  accepted,
  remedy: null,
});

const result = (id: string, outcome: CheckResult['outcome'], more: Partial<CheckResult> = {}): CheckResult => ({
  id,
  installation: 'spiderpool@kube-system/spiderpool',
  outcome,
  findings: [],
  gaps: [],
  ...more,
});

export function found(
  id: string,
  findings: JudgedFinding[],
  fix?: Text,
): { result: CheckResult; remedy?: Examination['remedies'][number] } {
  const made = result(id, 'found', { findings });
  if (!fix) return { result: made };
  for (const each of findings) if (!each.accepted) each.remedy = { automatic: true, text: fix, steps: 1 };
  const check = { id, remedy: { writes: [] } } as unknown as Check;
  const offered = { drafts: [{ do: 'manual', commands: [], guard: [], undo: 'none', text: fix } as StepDraft], refusals: [] };
  const remedy = { check, installation: made.installation, findings, offered, propose: async () => offered };
  return { result: made, remedy };
}

const passed = (count: number): CheckResult[] => Array.from({ length: count }, (_, i) => result(`spiderpool/fine-${i}`, 'passed'));
const ELSE: Text = { en: 'does not apply to version 0.9.4', zh: '不适用于版本 0.9.4' };
const none = (count: number): CheckResult[] =>
  Array.from({ length: count }, (_, i) => result(`spiderpool/else-${i}`, 'not-applicable', { note: ELSE }));

export function examination(parts: ReturnType<typeof found>[], rest: CheckResult[], more: Partial<Examination> = {}): Examination {
  const one = installation();
  return {
    identity: IDENTITY,
    serverVersion: 'v1.28.9+k3s1',
    installations: [one],
    paths: [{ installation: one, from: '0.9.4', to: '0.9.13', chosen: 'default', hops: ['0.9.13'] }],
    results: [...parts.map((part) => part.result), ...rest],
    absent: [],
    elsewhere: [],
    remedies: parts.flatMap(({ remedy }) => remedy ?? []),
    ...more,
  };
}

const duplicate = (ip: string, a: string, b: string): JudgedFinding =>
  finding({
    message: { en: `${ip} used by two running Pods`, zh: `${ip} 被两个运行中的 Pod 使用` },
    objects: [a, b].map((name) => ref('Pod', ...(name.split('/') as [string, string]))),
    evidence: [{ seen: { en: `status.podIP: ${ip}`, zh: `status.podIP：${ip}` }, at: ref('Pod', ...(a.split('/') as [string, string])) }],
  });

const owners = (count: number, name = (i: number) => `bare-${i}`): JudgedFinding =>
  finding({
    severity: 'warning',
    message: {
      en: `status.ownerControllerType is None in ${count} SpiderEndpoints`,
      zh: `${count} 个 SpiderEndpoint 的 status.ownerControllerType 为 None`,
    },
    objects: Array.from({ length: count }, (_, i) => ref('SpiderEndpoint', 'default', name(i))),
  });

const FIX_IP: Text = {
  en: 'restarts ops/agent-k and shop/cart-0 (its SpiderEndpoint first); PodDisruptionBudget shop/cart allows 1',
  zh: '重启 ops/agent-k 和 shop/cart-0（先删除其 SpiderEndpoint）；PodDisruptionBudget shop/cart 允许 1 个',
};
const FIX_OWNER = (count: number): Text => ({ en: `sets Pod in ${count} SpiderEndpoints`, zh: `将 ${count} 个 SpiderEndpoint 改为 Pod` });

const secrets: Gap = { why: 'forbidden', verb: 'list', resource: 'secrets', namespace: 'kube-system' };

/** The face of DESIGN section 5. */
export const mixed = examination(
  [
    found(
      'spiderpool/duplicate-pod-ip',
      [duplicate('10.6.168.41', 'shop/cart-0', 'default/web-6c9f-x2x'), duplicate('10.6.168.55', 'ops/agent-b', 'ops/agent-k')],
      FIX_IP,
    ),
    found('spiderpool/owner-controller-type', [owners(12)], FIX_OWNER(12)),
  ],
  [
    ...(['spiderpool/release-deployed', 'spiderpool/values-keys'] as const).map((id) => result(id, 'unknown', { gaps: [secrets] })),
    ...passed(21),
    ...none(4),
  ],
);

export const clean = examination([], [...passed(25), ...none(4)], { absent: ['k3s'] });

export const notInstalled = examination([], [], { installations: [], paths: [], absent: ['spiderpool', 'k3s'] });

/** Everything that can stand in the way: no right, a broken API, a snapshot that lacks it, a horizon, no target. */
export const unknown = examination(
  [],
  [
    ...Array.from({ length: 9 }, (_, i) => result(`spiderpool/needs-secrets-${i}`, 'unknown', { gaps: [secrets] })),
    result('spiderpool/values-keys', 'unknown', { gaps: [secrets, { why: 'forbidden', verb: 'list', resource: 'configmaps' }] }),
    ...['spiderpool/pool-counters', 'spiderpool/duplicate-pod-ip'].map((id) =>
      result(id, 'unknown', {
        gaps: [
          {
            why: 'failed',
            verb: 'list',
            resource: 'spiderippools.spiderpool.spidernet.io',
            detail:
              'conversion webhook for spiderpool.spidernet.io/v2beta1 failed: Post "https://spiderpool-controller.kube-system.svc:443/convert?timeout=30s": no endpoints available',
          },
        ],
      }),
    ),
    result('spiderpool/agent-logs', 'unknown', {
      gaps: [{ why: 'not-collected', verb: 'log', resource: 'pods', namespace: 'kube-system', name: 'spiderpool-agent-x' }],
    }),
    result('spiderpool/crd-versions', 'unknown', {
      note: {
        en: 'version 1.4.0 is newer than this version of upgrade-guard supports (up to 1.1.0)',
        zh: '当前版本的 upgrade-guard 不支持 1.4.0（最高 1.1.0）',
      },
    }),
    result('spiderpool/chart-schema', 'not-looked-at', {
      note: { en: 'no target version known; set one with --to', zh: '没有已知的目标版本；请用 --to 指定' },
    }),
    ...passed(3),
  ],
);

/** Two hundred findings of eight checks, blockers last in the order of the checks. */
export const many = examination(
  Array.from({ length: 8 }, (_, check) =>
    found(
      `spiderpool/check-${check}`,
      Array.from({ length: 25 }, (_, i) =>
        finding({
          severity: check > 5 ? 'blocker' : check > 2 ? 'warning' : 'notice',
          message: { en: `10.6.${check}.${i} is held by a Pod that is gone`, zh: `10.6.${check}.${i} 仍被已不存在的 Pod 占用` },
          objects: [ref('SpiderIPPool', '', `pool-${check}`)],
        }),
      ),
      { en: 'releases 25 addresses', zh: '释放 25 个地址' },
    ),
  ),
  passed(12),
);

/** Fifty findings of ten checks: at most two screens. */
export const fifty = examination(
  Array.from({ length: 10 }, (_, check) =>
    found(
      `spiderpool/check-${check}`,
      Array.from({ length: 5 }, (_, i) => duplicate(`10.6.${check}.${i}`, `shop/cart-${i}`, `default/web-6c9f-x2x-${i}`)),
      FIX_IP,
    ),
  ),
  [...passed(12), result('spiderpool/values-keys', 'unknown', { gaps: [secrets] })],
);

const LONG =
  'a-very-long-name-of-a-workload-that-somebody-generated-from-a-branch-name-and-a-ticket-number-and-a-commit-hash-0123456789abcdef';
export const longNames = examination(
  [
    found(
      'spiderpool/duplicate-pod-ip',
      [duplicate('2001:db8:85a3:8d3:1319:8a2e:370:7348', `${LONG.slice(0, 63)}/${LONG}-0`, `default/${LONG}-1`)],
      FIX_IP,
    ),
    found('spiderpool/owner-controller-type', [owners(2, (i) => `${LONG}-${i}`)], FIX_OWNER(2)),
  ],
  [],
);

/** What a hostile object may be called; none of it may act on a terminal or a page. */
export const ATTACKS = {
  colour: '\x1b[31mred\x1b[0m',
  title: '\x1b]0;owned\x07title',
  eightBit: '\x9b2J\x9d0;owned\x9c',
  bidi: 'user\u202etxt.exe\u2066\u2069',
  invisible: 'ad\u200bmin\u{e0041}\ufeff',
  lines: 'first\nsecond\r\nthird\u2028fourth',
  html: '<img src=x onerror=alert(1)>&lt;"\'',
  markdown: '[click](javascript:alert(1)) `code` **bold** | cell\n# head',
  shell: '$(reboot); `reboot`',
};
export const hostile = examination(
  [
    found(
      'spiderpool/duplicate-pod-ip',
      Object.values(ATTACKS).map((name) =>
        finding({
          message: { en: `address of ${name}`, zh: `${name} 的地址` },
          objects: [ref(name, name, name)],
          evidence: [{ seen: name, at: ref('Pod', name, name) }],
        }),
      ),
      { en: `restarts ${Object.values(ATTACKS).join()}`, zh: `重启 ${Object.values(ATTACKS).join()}` },
    ),
  ],
  Object.values(ATTACKS).map((name, i) =>
    result(`spiderpool/unseen-${i}`, 'unknown', {
      gaps: [{ why: 'failed', verb: 'get', resource: 'pods', namespace: name, name, detail: name }],
    }),
  ),
  {
    identity: { ...IDENTITY, context: ATTACKS.colour + ATTACKS.bidi + ATTACKS.html },
    serverVersion: `v1.28.9${ATTACKS.title}`,
    installations: [{ ...installation(ATTACKS.bidi, ATTACKS.html), sources: Object.values(ATTACKS).map((says) => ({ from: says, says })) }],
    paths: [
      {
        installation: installation(ATTACKS.bidi, ATTACKS.html),
        from: ATTACKS.colour,
        to: ATTACKS.eightBit,
        chosen: 'asked',
        hops: [ATTACKS.lines],
      },
    ],
  },
);

/** Doubtful, accepted, a path of several hops, two installations that disagree about their version. */
const second = {
  ...installation('ipam', 'net'),
  sources: [
    { from: 'image of Deployment net/ipam-controller', says: 'v0.9.4' },
    { from: 'label helm.sh/chart of Deployment net/ipam-controller', says: '0.9.3' },
  ],
};
export const shades = examination(
  [
    found('spiderpool/duplicate-pod-ip', [
      finding({
        severity: 'notice',
        certainty: 'low',
        message: { en: '10.6.168.41 may be held twice', zh: '10.6.168.41 可能被占用两次' },
        objects: [ref('Pod', 'shop', 'cart-0')],
      }),
      finding({
        severity: 'blocker',
        accepted: true,
        message: { en: '10.6.168.55 used by two running Pods', zh: '10.6.168.55 被两个运行中的 Pod 使用' },
        objects: [ref('Pod', 'ops', 'agent-b')],
      }),
      finding({
        severity: 'warning',
        certainty: 'medium',
        hop: '0.9.13',
        message: { en: 'the pool will be too small', zh: '地址池将不够用' },
        objects: [ref('SpiderIPPool', '', 'default-v4')],
      }),
    ]),
  ],
  [...passed(1)],
  {
    installations: [installation(), second],
    paths: [
      { installation: installation(), from: '0.7.0', to: '0.9.13', chosen: 'asked', hops: ['0.8.8', '0.9.13'] },
      { installation: second, from: { why: 'failed', verb: 'decode', resource: 'secrets' }, chosen: 'default', hops: [] },
    ],
  },
);

// ---- plans and runs -------------------------------------------------------------------------------------------------

const endpoint = (i: number): Ref => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderEndpoint',
  namespace: 'default',
  name: `bare-${i}`,
});
const patch = (i: number): StepDraft => ({
  do: 'patch',
  on: endpoint(i),
  changes: [{ path: '/status/ownerControllerType', before: 'None', after: 'Pod' }],
  guard: [],
  undo: 'exact',
  text: {
    en: `set status.ownerControllerType of SpiderEndpoint default/bare-${i} to Pod`,
    zh: `将 SpiderEndpoint default/bare-${i} 的 status.ownerControllerType 改为 Pod`,
  },
});
const manual: StepDraft = {
  do: 'manual',
  commands: ['helm history spiderpool -n kube-system', 'helm rollback spiderpool 1 -n kube-system'],
  guard: [],
  undo: 'none',
  undoNote: { en: 'manual', zh: '手动' },
  text: {
    en: 'make sure that no helm is running, then roll kube-system/spiderpool back to revision 1',
    zh: '确认没有 helm 在运行，然后把 kube-system/spiderpool 回滚到修订版本 1',
  },
};
const without = (draft: StepDraft, undo: Step['undo'], undoNote: Text): StepDraft => ({ ...draft, undo, undoNote });

export const steps: Step[] = [
  manual,
  patch(0),
  patch(1),
  without(patch(2), 'compensates', { en: 'the counter is recomputed', zh: '计数会重新计算' }),
  without(patch(3), 'none', { en: 'the Pod gets a new address', zh: 'Pod 会得到新的地址' }),
].map((draft, i) => ({ ...draft, id: String(i + 1), after: [], reasons: ['00112233445566aa'] })) as Step[];

export const manySteps: Step[] = Array.from({ length: 200 }, (_, i) => ({
  ...patch(i),
  id: String(i + 1),
  after: [],
  reasons: [],
})) as Step[];
