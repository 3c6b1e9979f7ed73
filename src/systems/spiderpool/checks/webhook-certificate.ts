// The certificate of Spiderpool's webhooks: what the controller serves (a Secret) against what the API server trusts (caBundle), for how long, and for which name.
// Sources: charts/spiderpool/templates/tls.yaml and _helpers.tpl (genCA, genSignedCert at every upgrade with tls.method auto)@v0.9.13, @v1.2.2.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { type Certificate, certificates, NO_CERTIFICATE, rowOf } from '../../../engine/read/index.ts';
import { hooksOf, PODS_HOOK, webhookReads } from '../webhooks.ts';

const DAY = 24 * 3600 * 1000;
const SOON = 30 * DAY;
/** spiderpoolController.tls.secretName by default. */
const SECRET = 'spiderpool-controller-server-certs';
const CERTS = { ca: certificates("data['ca.crt']"), tls: certificates("data['tls.crt']") };
const BUNDLE = { ca: certificates('clientConfig.caBundle') };

const reads = webhookReads(BUNDLE);
type Is = 'unreadable' | 'expired' | 'expiring' | 'name' | 'untrusted';
interface Args {
  is: Is;
  secret: string;
  /** Last day of the certificate; the name that it lacks; the configuration that does not trust it. */
  what: string;
  pods: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/webhook-certificate',
  title: { en: 'the webhooks of Spiderpool trust a valid certificate', zh: 'Spiderpool 的 webhook 信任有效的证书' },
  headline: { en: 'certificate of the Spiderpool webhooks is not valid', zh: 'Spiderpool webhook 的证书无效' },
  page: {
    impact: {
      en: 'The webhooks have failurePolicy Fail: with a certificate that has expired, is not trusted or has another name, the API server rejects every change of Spiderpool objects, and with podResourceInject the creation of Pods.',
      zh: '这些 webhook 的 failurePolicy 为 Fail：证书已过期、不受信任或名称不符时，API 服务器会拒绝对 Spiderpool 对象的所有修改；启用 podResourceInject 时还会拒绝创建 Pod。',
    },
    detection: {
      en: `Compares ca.crt and tls.crt of Secret ${SECRET} with the caBundle of the webhooks: dates, the DNS name of the Service, and whether the CA is the one that the webhooks trust. The private key is not read.`,
      zh: `将 Secret ${SECRET} 的 ca.crt 和 tls.crt 与 webhook 的 caBundle 比较：有效期、Service 的 DNS 名称，以及 CA 是否受 webhook 信任。不读取私钥。`,
    },
    fix: {
      en: 'manual: with tls.method auto, helm upgrade to any version issues a new CA and certificate; otherwise renew it where it comes from (cert-manager, values).',
      zh: '手动：tls.method 为“auto”时，任意一次 helm upgrade 都会签发新的 CA 和证书；否则在其来源（cert-manager、values）更新。',
    },
    limits: {
      en: 'For some 90 s after helm upgrade the controllers still serve the old certificate: errors in that time are normal.',
      zh: 'helm upgrade 之后约 90 秒内，controller 仍使用旧证书，期间的错误属于正常现象。',
    },
  },
  sources: ['spidernet-io/spiderpool: charts/spiderpool/templates/tls.yaml, templates/_helpers.tpl@v0.9.13, @v1.2.2'],
  applies: { stage: 'both' },
  reads,
  pointReads: [{ resource: 'secrets', names: [SECRET], columns: Object.values(CERTS) }],
  judge: async (rows: Rows<typeof reads>, { look, now, path: { installation } }) => {
    const hooks = hooksOf<typeof BUNDLE>(rows, installation);
    if (!hooks.length) return [];
    const on: Ref = { apiVersion: 'v1', kind: 'Secret', namespace: installation.namespace, name: SECRET };
    const secret = await look.get(on);
    if (!secret || isGap(secret)) return [];
    const { ca, tls } = rowOf(CERTS)(secret);
    const pods = hooks.some(({ name }) => name === PODS_HOOK);
    const say = (is: Is, what: string, at: Ref = on) => found({ is, secret: `${on.namespace}/${SECRET}`, what, pods }, at);
    if (!Array.isArray(tls)) return tls === NO_CERTIFICATE ? [say('unreadable', '')] : [];
    const service = hooks[0]!.service!;
    return [...ofDates(tls[0]!, now, say), ...ofName(tls[0]!, `${service.name}.${service.namespace}.svc`, say), ...ofTrust(ca, hooks, say)];
  },
  say: ({ is, secret, what, pods }) => {
    const then = THEN[pods ? 'pods' : 'objects'];
    const seen = SEEN[is](secret, what);
    return is === 'expiring' ? seen : { en: `${seen.en}: ${then.en}`, zh: `${seen.zh}：${then.zh}` };
  },
};
export default check;

type Bundle = Certificate[] | typeof NO_CERTIFICATE | undefined;
type Say = (is: Is, what: string, at?: Ref) => Finding<Args>;

function ofDates({ notAfter }: Certificate, now: number, say: Say): Finding<Args>[] {
  const day = new Date(notAfter).toISOString().slice(0, 10);
  if (notAfter <= now) return [say('expired', day)];
  return notAfter <= now + SOON ? [say('expiring', day)] : [];
}

const ofName = ({ dnsNames }: Certificate, wanted: string, say: Say): Finding<Args>[] =>
  dnsNames.includes(wanted) ? [] : [say('name', wanted)];

/** A Secret of cert-manager need not have a ca.crt. */
function ofTrust(ca: Bundle, hooks: readonly { on: Ref; ca: Bundle }[], say: Say): Finding<Args>[] {
  if (!Array.isArray(ca)) return [];
  const trusts = (bundle: Bundle) =>
    Array.isArray(bundle) && bundle.some((one) => ca.some(({ fingerprint }) => fingerprint === one.fingerprint));
  const without = hooks.filter((hook) => hook.ca !== undefined && !trusts(hook.ca)).map(({ on }) => on);
  return [...new Map(without.map((on) => [on.kind, on])).values()].map((on) => say('untrusted', `${on.kind} ${on.name}`, on));
}

function found(args: Args, on: Ref): Finding<Args> {
  return finding<Args>({
    severity: args.pods && args.is !== 'expiring' ? 'blocker' : 'warning',
    key: [args.is, on.kind],
    objects: [on],
    args,
    evidence: [{ seen: { en: SEEN[args.is](args.secret, args.what).en, zh: SEEN[args.is](args.secret, args.what).zh } }],
  });
}

const SEEN: Record<Is, (secret: string, what: string) => Text> = {
  unreadable: (secret) => ({ en: `tls.crt of Secret ${secret} is not a certificate`, zh: `Secret ${secret} 的 tls.crt 不是证书` }),
  expired: (secret, what) => ({
    en: `tls.crt of Secret ${secret} expired on ${what}`,
    zh: `Secret ${secret} 的 tls.crt 已于 ${what} 过期`,
  }),
  expiring: (secret, what) => ({
    en: `tls.crt of Secret ${secret} expires on ${what}; then the webhooks reject every change`,
    zh: `Secret ${secret} 的 tls.crt 将于 ${what} 过期，届时 webhook 会拒绝所有修改`,
  }),
  name: (secret, what) => ({
    en: `tls.crt of Secret ${secret} is not valid for ${what}`,
    zh: `Secret ${secret} 的 tls.crt 不适用于 ${what}`,
  }),
  untrusted: (secret, what) => ({
    en: `caBundle of ${what} does not have ca.crt of Secret ${secret}`,
    zh: `${what} 的 caBundle 中没有 Secret ${secret} 的 ca.crt`,
  }),
};
const THEN: Record<'pods' | 'objects', Text> = {
  objects: { en: 'changes of Spiderpool objects are rejected', zh: '对 Spiderpool 对象的修改会被拒绝' },
  pods: { en: 'changes of Spiderpool objects and the creation of Pods are rejected', zh: '对 Spiderpool 对象的修改和 Pod 的创建会被拒绝' },
};
