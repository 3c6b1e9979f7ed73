// Values that name the mesh and where it lives. Kubernetes and helm accept a change of them without an error; the mesh then falls apart: its namespaces are no longer monitored, its webhooks stay.
// Sources: charts/osm/templates/_helpers.tpl at every tag; cmd/cli/install.go and mesh_upgrade.go@v1.3.9 (install sets osm.meshName, upgrade does not, and resets the values); seen on a real API server.
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { explicitValues } from '../../../chart/upgrade-command.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Severity, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { pathOf } from '../../../helm/keys.ts';
import { type Carried, carriedValues, isOwnChart, textAt } from '../carried.ts';
import { CHART } from '../chart.ts';
import { CONTROLLER, type Workload, workloads } from '../reads.ts';

/** What a change of a value does. `default`: what every chart has. */
const GUARDED: Record<string, { default: string; severity: Severity; effect: Text }> = {
  'osm.meshName': {
    default: 'osm',
    severity: 'blocker',
    effect: {
      en: 'namespaces of the old name are no longer monitored, and its webhooks stay with failurePolicy Fail',
      zh: '旧名称下的命名空间不再受监控，其 webhook 会残留且 failurePolicy 为 Fail',
    },
  },
  'osm.osmNamespace': {
    default: '',
    severity: 'blocker',
    effect: {
      en: 'helm deletes the control plane and creates it there, without its CA and MeshConfig',
      zh: 'helm 会删除控制平面并在新的命名空间中创建，但没有原来的 CA 和 MeshConfig',
    },
  },
  'osm.webhookConfigNamePrefix': {
    default: 'osm-webhook',
    severity: 'warning',
    effect: { en: 'the injection webhook of the old name stays beside the new one', zh: '旧名称的注入 webhook 会与新的同时存在' },
  },
  'osm.validatorWebhook.webhookConfigurationName': {
    default: '',
    severity: 'warning',
    effect: { en: 'the validation webhook of the old name stays beside the new one', zh: '旧名称的校验 webhook 会与新的同时存在' },
  },
  'osm.trustDomain': {
    default: 'cluster.local',
    severity: 'warning',
    effect: { en: 'certificates get other names, until every Pod of the mesh is restarted', zh: '证书名称会改变，直至网格的全部 Pod 重启' },
  },
  'osm.caBundleSecretName': {
    default: 'osm-ca-bundle',
    severity: 'warning',
    effect: { en: 'certificates are issued by a new CA', zh: '证书改由新的 CA 签发' },
  },
  'osm.certificateProvider.kind': {
    default: 'tresor',
    severity: 'warning',
    effect: { en: 'certificates are issued by a new CA', zh: '证书改由新的 CA 签发' },
  },
};

const reads = { ...RELEASE_READS, workloads };
interface Args {
  key: string;
  now: string;
  planned: string;
  target: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/mesh-identity',
  title: { en: 'upgrade keeps name and namespace of the mesh', zh: '升级不改变网格的名称和命名空间' },
  headline: { en: 'upgrade would rename or move the mesh', zh: '升级会更改网格的名称或命名空间' },
  page: {
    impact: {
      en: 'helm and the API server accept another osm.meshName or osm.osmNamespace without an error. The namespaces of the old mesh are then no longer monitored, while its webhooks stay and still fire. osm mesh upgrade resets the values, so a mesh with a name other than osm becomes osm unless --set osm.meshName is given.',
      zh: 'helm 和 API 服务器会接受不同的 osm.meshName 或 osm.osmNamespace，而不报错。此后旧网格的命名空间不再受监控，其 webhook 却仍然存在并被调用。“osm mesh upgrade”会重置 values，因此名称不是“osm”的网格会被改名为“osm”，除非加上 --set osm.meshName。',
    },
    detection: {
      en: 'Compares the labels and the namespace of Deployment osm-controller, and the values in use, with the values that the upgrade will carry over (release record, --values, --set, reuse flags, by the rules of helm).',
      zh: '将 Deployment osm-controller 的标签、命名空间以及现有的 values 与升级后将生效的 values（release 记录、--values、--set、复用参数，规则与 helm 相同）比较。',
    },
    fix: {
      en: 'upgrade osm-edge passes the current value to helm. If --set or --values contains another value, remove it there. fix prints the flags for helm upgrade.',
      zh: 'upgrade osm-edge 会把网格当前的值传给 helm。如果 --set 或 --values 指定了其他值，请先移除。fix 会给出 helm upgrade 的参数。',
    },
  },
  sources: [
    'flomesh-io/osm-edge: cmd/cli/install.go, cmd/cli/mesh_upgrade.go@v1.3.9',
    'flomesh-io/osm-edge: charts/osm/templates/_helpers.tpl@v1.3.9',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: RELEASE_BODIES,
  judge: async (rows, at) => {
    const controller = rows.workloads.find(({ app, ref }) => app === CONTROLLER && ref.namespace === at.path.installation.namespace);
    const carried = await carriedValues(rows, at);
    if (isGap(carried)) return [];
    if (!('config' in carried)) return carried;
    if (!isOwnChart(carried)) return { unknown: WRAPPED };
    return Object.entries(GUARDED).flatMap(([key, guarded]) => {
      const now = nowOf(key, carried, controller) ?? guarded.default;
      const planned = textAt(carried.config, key) ?? guarded.default;
      const isMoved = key === 'osm.osmNamespace' ? isElsewhere(planned, carried, controller) : planned !== now;
      return isMoved ? [found(carried.record, guarded.severity, { key, now, planned, target: at.path.to ?? String(at.path.from) })] : [];
    });
  },
  say: ({ key, now, planned, target }) => ({
    en: `helm upgrade to ${target} changes ${key} from "${now}" to "${planned}": ${GUARDED[key]!.effect.en}`,
    zh: `用 helm 升级到 ${target} 会将 ${key} 由“${now}”改为“${planned}”：${GUARDED[key]!.effect.zh}`,
  }),
  remedy: {
    writes: [],
    steps: async (all, at) => [
      explicitValues(
        CHART,
        at,
        all.map(({ args: { key, now } }) => ({ path: pathOf(key), value: now })),
      ),
    ],
  },
};
export default check;

const WRAPPED: Text = {
  en: 'the release is of another chart that contains osm-edge; its values cannot be judged',
  zh: 'release 的 chart 是包含 osm-edge 的其他 chart，无法判断其 values',
};

/** What runs counts more than what the record says. */
function nowOf(key: string, { today, release }: Carried, controller: Workload | undefined): string | undefined {
  if (key === 'osm.meshName') return controller?.meshName ?? textAt(today, key);
  if (key === 'osm.osmNamespace') return controller?.ref.namespace ?? release.namespace;
  return textAt(release.config, key);
}

/** Nothing set means the namespace of the release. */
const isElsewhere = (planned: string, { release }: Carried, controller: Workload | undefined): boolean =>
  (planned || release.namespace) !== (controller?.ref.namespace ?? release.namespace);

const found = (record: Ref, severity: Severity, args: Args): Finding<Args> =>
  finding<Args>({ severity, key: [args.key], objects: [record], args, evidence: [{ seen: `${args.key}: ${args.planned}` }] });
