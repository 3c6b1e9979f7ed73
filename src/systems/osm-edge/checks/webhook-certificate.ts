// The CA bundles in the webhook configurations of the mesh: osm-injector and osm-controller write them when they start; one that is not the CA of the mesh lets no call through, and failurePolicy Fail rejects Pods.
// Sources: pkg/injector/webhook.go, pkg/validator/patch.go@v1.3.9; osm-ca-bundle (ca.crt) of certificate provider tresor, pkg/certificate/providers/tresor.
import { finding } from '../../../engine/builders.ts';
import type { Check, Condition, Finding, PointReader, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { type Certificate, certificates, each, list, maybe, NO_CERTIFICATE, rowOf, word } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { ROLLOUT_READS, ROLLOUT_RIGHTS, restart } from '../rollout.ts';

const SOON = 30 * 24 * 3600 * 1000;
const CA = certificates("data['ca.crt']");
const CONFIG = {
  hooks: each('webhooks', {
    name: word('name', ''),
    policy: word('failurePolicy'),
    service: maybe('clientConfig.service', { namespace: word('namespace', '') }),
    ca: certificates('clientConfig.caBundle'),
  }),
};
/** What a restart writes again. */
const WRITTEN = { hooks: each('webhooks', { name: word('name', ''), ca: word('clientConfig.caBundle', '') }) };
const CONFIGS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((name) => `${name}.admissionregistration.k8s.io`);
const reads = {
  mutating: list('mutatingwebhookconfigurations.admissionregistration.k8s.io', CONFIG),
  validating: list('validatingwebhookconfigurations.admissionregistration.k8s.io', CONFIG),
};
/** With the Deployment that writes it. */
const HOOKS: Record<string, string> = { 'osm-inject.k8s.io': 'osm-injector', 'osm-validator.k8s.io': 'osm-controller' };

type Is = 'missing' | 'empty' | 'unreadable' | 'expired' | 'expiring' | 'other';
interface Args {
  is: Is;
  hook: string;
  on: string;
  fails: boolean;
  until: string;
  namespace: string;
  /** The CA of the mesh ends, or has ended: only a new one helps. */
  caEnds: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/webhook-certificate',
  title: { en: 'webhooks of the mesh have the CA of the mesh', zh: '网格的 webhook 使用网格的 CA' },
  headline: { en: 'webhooks of the mesh are missing or have a wrong CA', zh: '网格的 webhook 缺失或 CA 不正确' },
  page: {
    impact: {
      en: 'Without its injection webhook new Pods get no sidecar. With a CA bundle that is empty, expired or not the CA of the mesh the API server cannot verify osm-injector, and failurePolicy Fail rejects new Pods in the namespaces of the mesh.',
      zh: '没有注入 webhook 时，新的 Pod 不会有 sidecar。CA 为空、已过期或不是网格的 CA 时，API 服务器无法验证 osm-injector，而 failurePolicy 为 Fail，网格命名空间中的新 Pod 会被拒绝。',
    },
    detection: {
      en: 'Reads clientConfig.caBundle of the webhooks that call the namespace of the mesh, and compares it with ca.crt of Secret osm-ca-bundle, where there is one (certificate provider tresor). Only certificates are read, never the key.',
      zh: '读取调用网格命名空间的 webhook 的 clientConfig.caBundle，并与 Secret osm-ca-bundle 的 ca.crt 比较（仅在证书提供者为“tresor”时存在）。只读取证书，不读取私钥。',
    },
    fix: {
      en: 'restarts osm-injector (osm-inject.k8s.io) or osm-controller (osm-validator.k8s.io), which write the webhook and its CA bundle when they start; upgrade osm-edge starts both anyway. Where the CA in Secret osm-ca-bundle itself ends: manual, with the commands.',
      zh: '重启 osm-injector（对应 osm-inject.k8s.io）或 osm-controller（对应 osm-validator.k8s.io），它们启动时会写入 webhook 及其 CA；upgrade osm-edge 本来就会启动二者。如果 Secret osm-ca-bundle 中的 CA 本身即将到期：手动处理，会给出命令。',
    },
  },
  sources: ['flomesh-io/osm-edge: pkg/injector/webhook.go, pkg/validator/patch.go@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  pointReads: [{ resource: 'secrets', names: ['osm-ca-bundle'], columns: [CA] }],
  judge: async (rows, { path: { installation }, now, look }) => {
    const { namespace = '' } = installation;
    const own = [...rows.mutating, ...rows.validating].flatMap(({ ref, hooks }) =>
      hooks.filter(({ name, service }) => HOOKS[name] && service?.namespace === namespace).map((hook) => ({ ...hook, on: ref })),
    );
    const mesh = await meshCa(namespace, look);
    const caEnds = endsSoon(mesh, now);
    const absent = Object.keys(HOOKS).filter((hook) => !own.some(({ name }) => name === hook));
    return [
      ...absent.map((hook) => found({ is: 'missing', hook, on: '', fails: false, until: '', namespace, caEnds }, [])),
      ...own.flatMap(({ name: hook, policy, on, ca }) => {
        const is = stateOf(ca, mesh, now);
        return is ? [found({ is, hook, on: on.name, fails: policy !== 'Ignore', until: dayOf(ca), namespace, caEnds }, [on])] : [];
      }),
    ];
  },
  say: ({ is, hook, on, until, fails, namespace }) => {
    if (is === 'missing')
      return {
        en: `webhook ${hook} of namespace ${namespace} is missing: ${HOOKS[hook]} has not written it`,
        zh: `缺少命名空间 ${namespace} 的 webhook ${hook}：${HOOKS[hook]} 未写入`,
      };
    const seen = SEEN[is](until);
    return {
      en: `webhook ${hook} (${on}): caBundle ${seen.en}${fails ? '; requests that it matches are rejected' : ''}`,
      zh: `webhook ${hook}（${on}）：caBundle ${seen.zh}${fails ? '；匹配的请求会被拒绝' : ''}`,
    };
  },
  remedy: {
    pointReads: [...ROLLOUT_READS, ...CONFIGS.map((resource) => ({ resource, columns: Object.values(WRITTEN) }))],
    writes: ROLLOUT_RIGHTS,
    // A CA that itself ends is written again as it is: only a new one helps.
    async steps(all, { look, now }) {
      const namespace = all[0]?.args.namespace ?? '';
      if (all.some(({ args }) => args.caEnds)) return [newCa(namespace, all)];
      const names = [...new Set(all.map(({ args }) => HOOKS[args.hook]!))].sort();
      const written = (await Promise.all(all.map((one) => rewrittenBy(one, look)))).flat();
      // An upgrade starts both programs.
      return restart(namespace, names, { look, now }, written, 'instead');
    },
  },
};
export default check;

const SEEN: Record<Exclude<Is, 'missing'>, (until: string) => Text> = {
  empty: () => ({ en: 'is empty', zh: '为空' }),
  unreadable: () => ({ en: 'is not a PEM certificate', zh: '不是 PEM 证书' }),
  expired: (until) => ({ en: `expired on ${until}`, zh: `已于 ${until} 过期` }),
  expiring: (until) => ({ en: `expires on ${until}`, zh: `将于 ${until} 过期` }),
  other: () => ({ en: 'is not ca.crt of Secret osm-ca-bundle', zh: '与 Secret osm-ca-bundle 的 ca.crt 不一致' }),
};

type Bundle = Certificate[] | typeof NO_CERTIFICATE | undefined;
const dayOf = (ca: Bundle): string => (Array.isArray(ca) ? new Date(lastOf(ca)).toISOString().slice(0, 10) : '');
const endsSoon = (ca: Certificate[] | undefined, now: number): boolean => ca !== undefined && lastOf(ca) <= now + SOON;
const lastOf = (ca: Certificate[]): number => Math.max(...ca.map(({ notAfter }) => notAfter));

function stateOf(ca: Bundle, mesh: Certificate[] | undefined, now: number): Is | undefined {
  if (ca === undefined) return 'empty';
  if (ca === NO_CERTIFICATE) return 'unreadable';
  if (lastOf(ca) <= now) return 'expired';
  if (mesh && !ca.some(({ fingerprint }) => mesh.some((one) => one.fingerprint === fingerprint))) return 'other';
  return lastOf(ca) <= now + SOON ? 'expiring' : undefined;
}

/** undefined: another provider issues certificates, or it cannot be seen. */
async function meshCa(namespace: string, look: PointReader): Promise<Certificate[] | undefined> {
  const secret = await look.get({ apiVersion: 'v1', kind: 'Secret', namespace, name: 'osm-ca-bundle' });
  if (!secret || isGap(secret)) return undefined;
  const found = CA.read(secret);
  return Array.isArray(found) ? found : undefined;
}

/** Its program has written the CA bundle once more: new Pods alone do not show that. */
async function rewrittenBy({ args, objects: [on] }: Finding<Args>, look: PointReader): Promise<Condition[]> {
  const live = on && (await look.get(on));
  if (!live || isGap(live)) return [];
  const ca = rowOf(WRITTEN)(live).hooks.find(({ name }) => name === args.hook)?.ca ?? '';
  return [{ on, must: [{ path: `/webhooks[name=${args.hook}]/clientConfig/caBundle`, isNot: ca }] }];
}

const found = (args: Args, objects: Ref[]): Finding<Args> =>
  finding<Args>({
    severity: args.is === 'expiring' || (args.is !== 'missing' && !args.fails) ? 'warning' : 'blocker',
    key: [args.namespace, args.hook, args.is],
    objects,
    args,
    evidence: [{ seen: `webhooks[name=${args.hook}].clientConfig.caBundle` }],
  });

function newCa(namespace: string, all: readonly Finding<Args>[]): StepDraft {
  const at = shellWord(namespace);
  const parts = 'deployment/osm-bootstrap deployment/osm-controller deployment/osm-injector';
  return {
    ...{ do: 'manual', guard: [], undo: 'none', seen: all.flatMap(({ objects }) => objects).map((on) => ({ on, must: 'exist' as const })) },
    commands: [
      `kubectl get secret osm-ca-bundle -n ${at} -o yaml > osm-ca-bundle.yaml`,
      `kubectl delete secret osm-ca-bundle -n ${at}`,
      `kubectl rollout restart ${parts} -n ${at}`,
    ],
    text: {
      en: `have a new CA made (the one in Secret ${namespace}/osm-ca-bundle ends), then restart every Pod of the mesh: sidecars of the old CA are not trusted`,
      zh: `生成新的 CA（Secret ${namespace}/osm-ca-bundle 中的 CA 即将到期或已过期），然后重启网格中的全部 Pod：使用旧 CA 的 sidecar 不再受信任`,
    },
  };
}
