// The chart of 1.3.5 writes a certificate lifetime of 365d, which Go does not parse: osm-controller logs an error and issues certificates for 24 hours. The MeshConfig keeps it at every upgrade.
// Sources: charts/osm/values.yaml@v1.3.4, @v1.3.5, @v1.3.6; pkg/configurator/methods.go@v1.3.9 (GetServiceCertValidityPeriod); time.ParseDuration.
import type { Check, Finding, Ref, StepDraft } from '../../../engine/contracts.ts';
import { isDuration } from '../duration.ts';
import { type MeshConfig, meshConfigOf, meshConfigs } from '../reads.ts';

const PATH = '/spec/certificate/serviceCertValidityDuration';
const DAYS = /^(\d{1,5})d$/;
/** What every release but 1.3.5 has by default, and what the controller falls back to. */
const FALLBACK = '24h';

const reads = { meshConfigs };
interface Args {
  namespace: string;
  value: string;
  /** The same lifetime as Go writes it. */
  better: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/certificate-duration',
  title: { en: 'MeshConfig has a valid certificate lifetime', zh: 'MeshConfig 的证书有效期格式正确' },
  headline: { en: 'MeshConfig has an invalid certificate lifetime', zh: 'MeshConfig 的证书有效期格式无效' },
  page: {
    impact: {
      en: 'If osm-controller cannot parse serviceCertValidityDuration, it logs an error and issues service certificates that are valid for 24 hours only.',
      zh: 'serviceCertValidityDuration 的值无法解析时，osm-controller 会记录错误，并且签发的服务证书有效期只有 24 小时。',
    },
    detection: {
      en: 'Reads spec.certificate.serviceCertValidityDuration of MeshConfig osm-mesh-config; Go durations have no unit for days.',
      zh: '读取 MeshConfig osm-mesh-config 的 spec.certificate.serviceCertValidityDuration；Go 的时长没有“天”这一单位。',
    },
    fix: { en: 'Writes the same lifetime in hours.', zh: '以小时为单位写入同样的有效期。' },
  },
  sources: ['flomesh-io/osm-edge: charts/osm/values.yaml@v1.3.5, @v1.3.6', 'flomesh-io/osm-edge: pkg/configurator/methods.go@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  judge: ({ meshConfigs: rows }, { path }) => {
    const config = meshConfigOf(rows, path.installation.namespace);
    return config?.certDuration && !isDuration(config.certDuration) ? [finding(config, config.certDuration)] : [];
  },
  say: ({ namespace, value }) => ({
    en: `MeshConfig ${namespace}/osm-mesh-config: serviceCertValidityDuration "${value}" is not a Go duration; certificates are issued for ${FALLBACK}`,
    zh: `MeshConfig ${namespace}/osm-mesh-config：serviceCertValidityDuration“${value}”不是 Go 的时长，签发的证书有效期为 ${FALLBACK}`,
  }),
  remedy: {
    writes: [{ verbs: ['get', 'patch'], group: 'config.openservicemesh.io', resource: 'meshconfigs' }],
    steps: async (found) => found.map(patch),
  },
};
export default check;

function finding({ ref }: MeshConfig, value: string): Finding<Args> {
  const days = DAYS.exec(value)?.[1];
  return {
    severity: 'warning',
    key: [ref.namespace ?? '', ref.name],
    certainty: 'certain',
    objects: [ref],
    args: { namespace: ref.namespace ?? '', value, better: days ? `${Number(days) * 24}h` : FALLBACK },
    evidence: [{ seen: `spec.certificate.serviceCertValidityDuration: ${value}`, at: ref }],
  };
}

function patch({ objects, args: { value, better, namespace } }: Finding<Args>): StepDraft {
  const [on] = objects as [Ref];
  return {
    ...{ do: 'patch', on, changes: [{ path: PATH, before: value, after: better }], undo: 'exact' },
    guard: [{ on, must: [{ path: PATH, is: value }] }],
    text: {
      en: `set serviceCertValidityDuration to ${better} in MeshConfig ${namespace}/osm-mesh-config`,
      zh: `将 MeshConfig ${namespace}/osm-mesh-config 的 serviceCertValidityDuration 改为 ${better}`,
    },
  };
}
