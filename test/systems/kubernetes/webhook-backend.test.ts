import { expect, test } from 'vitest';
import type { Entry, Raw, Ref, Step } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { executeRun, executeUndo } from '../../../src/engine/execute.ts';
import { makePlan, planUpgrade, stepsOf } from '../../../src/engine/plan.ts';
import { progressOf } from '../../../src/engine/progress.ts';
import { kindOf } from '../../../src/engine/steps/index.ts';
import { pointerGet } from '../../../src/kube/pointer.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { dumpWorld } from '../../../src/snapshot/world.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { pages } from '../../engine/worlds.ts';
import { grid, laid } from '../../grid.ts';

const RULES = [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] }];
const called = (hook: Raw): Raw => ({
  ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'by-url', uid: 'by-url' } },
  webhooks: [
    {
      name: 'all.example.com',
      sideEffects: 'None',
      clientConfig: { url: 'https://hooks.example.com:8443/t0ken?key=s3cret$(id)' },
      ...hook,
    },
  ],
});

const service = (ports?: Raw[]): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'policy-guard', namespace: 'webhooks', uid: 'svc-policy-guard' } },
  spec: ports ? { ports } : {},
});
const calling = (port: number): Raw => ({
  ...called({
    name: `at-${port}.example.com`,
    rules: RULES,
    clientConfig: { service: { namespace: 'webhooks', name: 'policy-guard', port } },
  }),
  metadata: { name: `at-${port}`, uid: `at-${port}` },
});

grid('kubernetes/webhook-backend', [
  {
    fixture: 'found',
    expect: [
      'blocker ValidatingWebhookConfiguration/gone, MutatingWebhookConfiguration/gone',
      'notice ValidatingWebhookConfiguration/gone',
    ],
  },
  { fixture: 'found-no-endpoints', expect: 'blocker ValidatingWebhookConfiguration/policy-guard' },
  // policy-guard itself calls the default, 443.
  { fixture: 'found-port', expect: 'blocker ValidatingWebhookConfiguration/policy-guard' },
  { fixture: 'unknown-external', expect: 'unknown', says: ['of type ExternalName and has failurePolicy Fail'] },
  { fixture: 'unknown-headless', expect: 'unknown', says: ['calls headless Service '] },
  // Each port is a problem of its own.
  {
    objects: [calling(8081), calling(8082)],
    expect: ['blocker ValidatingWebhookConfiguration/at-8081', 'blocker ValidatingWebhookConfiguration/at-8082'],
  },
  // An API server takes no Service without ports: they were not read.
  { objects: [service(), calling(8081)], expect: 'passed' },
  // A Service of the same name elsewhere is another.
  {
    fixture: 'found-no-endpoints',
    objects: [
      {
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
        metadata: { name: 'policy-guard-x', namespace: 'elsewhere', labels: { 'kubernetes.io/service-name': 'policy-guard' } },
        endpoints: [{ addresses: ['10.1.0.8'], conditions: { ready: true } }],
      },
    ],
    expect: 'blocker ValidatingWebhookConfiguration/policy-guard',
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { base: 'managed', expect: 'passed' },
  { forbidden: ['endpointslices.discovery.k8s.io'], expect: 'unknown' },
  { objects: [called({ rules: RULES })], expect: 'unknown' },
  { objects: [called({ rules: RULES, failurePolicy: 'Ignore' })], expect: 'passed' },
  // It matches nothing.
  { objects: [called({})], expect: 'passed' },
  { objects: [called({ clientConfig: { service: { namespace: 'gone', name: 'gone' } } })], expect: 'passed' },
]);

test('a webhook that is called by URL: why it is unknown, and what shows it', async () => {
  const { results } = await examine(dumpSource(await readDump(laid(CHECK, { objects: [called({ rules: RULES })] }))), SYSTEMS, {
    checks: [CHECK],
  });
  expect(results.flatMap(({ gaps }) => gaps.map(({ detail, detailZh, settle }) => [detail, detailZh, settle?.en, settle?.zh]))).toEqual([
    [
      'webhook all.example.com (by-url) is called by URL and has failurePolicy Fail: only the API servers can see whether it answers',
      'webhook all.example.com（by-url）通过 URL 调用且 failurePolicy 为 Fail：它是否可用只有 API 服务器能看到',
      'on each control-plane node (any HTTP status is an answer): curl -k -sS -I https://hooks.example.com:8443',
      '在每个控制平面节点上执行（返回任何 HTTP 状态码都说明可用）：curl -k -sS -I https://hooks.example.com:8443',
    ],
  ]);
});

const HOOK: Ref = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', name: 'gone' };
const CHECK = 'kubernetes/webhook-backend';
async function found(objects: Raw[] = []) {
  const dump = await readDump(laid(CHECK, { fixture: 'found', objects }));
  const { remedies } = await examine(dumpSource(dump), SYSTEMS, { checks: [CHECK] });
  const repairs = remedies.map(({ offered }) => ({ ...offered, reasons: ['f'] }));
  return { world: dumpWorld(dump), repairs, texts: remedies.flatMap(({ findings }) => findings.map(({ remedy }) => remedy?.text.en)) };
}

test('a fix alone leaves failurePolicy: a person restores the backend; an upgrade loosens it first and puts it back last', async () => {
  const { repairs, texts } = await found();
  const alone = makePlan(repairs);
  expect([stepsOf(alone), alone.refusals.map(({ as, commands }) => [as, commands?.length])]).toEqual([
    [],
    [
      ['manual', 2],
      ['manual', 2],
    ],
  ]);
  expect(texts[0]).toBe(
    'during the upgrade, sets failurePolicy to Ignore in ValidatingWebhookConfiguration gone; during the upgrade, sets failurePolicy to Ignore in MutatingWebhookConfiguration gone; fix without an upgrade: 2 manual steps',
  );
  const stage = (hop: string, more = {}) => ({
    hop,
    title: { en: hop, zh: '' },
    steps: [
      {
        do: 'manual' as const,
        commands: [hop, JSON.stringify(more)],
        guard: [],
        undo: 'none' as const,
        text: { en: `${hop} ${JSON.stringify(more)}`, zh: hop },
      },
    ],
    ...more,
  });
  const plan = planUpgrade(
    [
      { hop: '1.36', repairs, stages: [stage('1.36', { first: true }), stage('1.36')] },
      { hop: '1.37', repairs: [], stages: [stage('1.37')] },
    ],
    ['kubernetes'],
  );
  expect(plan.stages.map(({ title, steps }) => `${title.en}: ${steps.length}`)).toEqual([
    ...['1.36: 1', 'For as long as the upgrade lasts: 2', '1.36: 1', 'Re-check: 1', '1.37: 1'],
    'Restore what was changed for the upgrade: 2',
  ]);
});

/** An upgrade that waits for something which is not there, once the policy is loosened. */
async function waiting() {
  const { world, repairs } = await found();
  const wait = {
    do: 'wait' as const,
    until: [{ on: { ...HOOK, name: 'done' }, must: 'exist' as const }],
    within: 0,
    assume: [],
    guard: [],
    undo: 'none' as const,
    text: { en: 'w', zh: 'w' },
  };
  const plan = planUpgrade(
    [{ hop: '1.37', repairs, stages: [{ hop: '1.37', title: { en: 'x', zh: 'x' }, steps: [wait] }] }],
    ['kubernetes'],
  );
  const run = {
    schema: 2 as const,
    id: 'r',
    tool: 't',
    what: 'upgrade',
    at: '',
    checks: [],
    stages: plan.stages,
    cluster: { uid: 'c', certain: true, server: '', context: '' },
  };
  const go = async (entries: Entry[], way = executeRun) => {
    const journal = pages();
    const { state, outcomes } = await way(run, { world, journal, progress: progressOf(entries), halt: new AbortController().signal });
    return { state, outcomes, entries: [...entries, ...journal.entries] };
  };
  const policies = async () =>
    (pointerGet((await world.get(HOOK))!, '/webhooks') as Raw[]).map(({ name, failurePolicy }) => `${name} ${failurePolicy}`);
  const cut = await go([]);
  expect([cut.state, (await policies())[0]]).toEqual(['stopped', expect.stringMatching(/ Ignore$/)]);
  return { world, go, cut, policies, arrive: () => world.assume!([{ on: { ...HOOK, name: 'done' }, changes: [] }]) };
}

test('cut in between it is put back by resume and by undo alike; what someone has deleted meanwhile is left', async () => {
  for (const ending of ['resume', 'undo', 'deleted']) {
    const { world, go, cut, policies, arrive } = await waiting();
    if (ending === 'undo') {
      expect((await go(cut.entries, executeUndo)).state).toBe('finished');
      expect((await policies())[0]).toMatch(/ Fail$/);
      continue;
    }
    if (ending === 'deleted') world.assume!([{ gone: HOOK }]);
    arrive();
    const ended = await go(cut.entries);
    expect(ended.state).toBe('finished');
    if (ending === 'resume') expect((await policies())[0]).toMatch(/ Fail$/);
    expect((await go(ended.entries, executeUndo)).state).toBe('finished');
    if (ending === 'resume') expect((await policies())[0]).toMatch(/ Fail$/);
  }
});

test('a webhook that came to stand before it meanwhile keeps its own policy, and it gets its own back; one that was removed is left', async () => {
  const added: Raw = { name: 'new.example.com', failurePolicy: 'Ignore', clientConfig: { url: 'https://new.example.com' } };
  for (const way of [executeRun, executeUndo]) {
    const { world, go, cut, policies, arrive } = await waiting();
    const before = await policies();
    await world.write({ verb: 'patch', on: HOOK, patch: [{ op: 'add', path: '/webhooks/0', value: added }] });
    arrive();
    expect((await go(cut.entries, way)).state).toBe('finished');
    expect(await policies()).toEqual(['new.example.com Ignore', ...before.with(0, before[0]!.replace('Ignore', 'Fail'))]);

    const gone = await waiting();
    await gone.world.write({ verb: 'patch', on: HOOK, patch: [{ op: 'replace', path: '/webhooks/0', value: added }] });
    gone.arrive();
    const ended = await gone.go(gone.cut.entries, way);
    expect([ended.state, (await gone.policies())[0]]).toEqual(['finished', 'new.example.com Ignore']);
    expect([...ended.outcomes.values()].flatMap(({ result, detail }) => (result === 'obsolete' ? [detail?.en] : []))).toEqual([
      'the list item to change is gone',
    ]);
  }
});

test('as a command it names the webhook, wherever it stands', async () => {
  const { repairs } = await found();
  const [loosened] = repairs.flatMap(({ drafts }) => drafts).filter((step) => step.do === 'patch');
  const step = { ...loosened!, id: '1', after: [], reasons: [] } as Step;
  const [command, patch = ''] = String(kindOf(step).commands(step)[0]).split(/<<.*\n|\nUPGRADE_GUARD_END/);
  expect(command).toBe(
    'kubectl patch ValidatingWebhookConfiguration.admissionregistration.k8s.io gone --type=strategic --patch-file=/dev/stdin ',
  );
  expect(JSON.parse(patch)).toEqual({ webhooks: [{ name: 'a.gone.example.com', failurePolicy: 'Ignore' }] });
});

test('what Argo CD would write back is left to its repository', async () => {
  const owned: Raw = {
    ...HOOK,
    metadata: { name: 'owned', uid: 'owned', labels: { 'argocd.argoproj.io/instance': 'shop' } },
    webhooks: [
      { name: 'o.example.com', rules: RULES, failurePolicy: 'Fail', clientConfig: { service: { namespace: 'gone', name: 'gone' } } },
    ],
  };
  delete owned.name;
  const { repairs } = await found([owned]);
  expect(repairs.flatMap(({ refusals }) => refusals.map(({ refused }) => refused.en))).toEqual([
    expect.stringMatching(/^owned by Argo CD Application /),
  ]);
});
