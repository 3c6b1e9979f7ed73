// Examinations that no fixture shows: two hundred findings, names that attack a terminal. What they are like is asserted; what a person sees is kept of examinations by the engine (examined.ts).
import type { Check, CheckResult, Gap, Installation, JudgedFinding, Ref, Severity, StepDraft, Text } from '../../src/engine/contracts.ts';
import type { Examination } from '../../src/engine/examine.ts';
import { IDENTITY } from './examined.ts';

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

export const result = (id: string, outcome: CheckResult['outcome'], more: Partial<CheckResult> = {}): CheckResult => ({
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
