// A release record of Spiderpool, as helm would have written it: with the default values of a released chart and settings of a user.
import type { Raw } from '../../../src/engine/contracts.ts';
import { encodeRelease } from '../../../src/helm/release.ts';
import { valuesByTable } from '../../../src/systems/spiderpool/values.ts';

export function releaseOf(
  version: string,
  config: Raw,
  { revision = 1, status = 'deployed', kind = 'Secret' as 'Secret' | 'ConfigMap' } = {},
): Raw {
  const known = valuesByTable(version);
  if (!known) throw new Error(`no table of ${version}`);
  // A template that reads what that version reads.
  const template = known.read.map((path) => `{{ index .Values ${path.map((name) => JSON.stringify(name)).join(' ')} }}`).join('\n');
  const record = {
    name: 'spiderpool',
    namespace: 'kube-system',
    version: revision,
    info: { status },
    chart: {
      metadata: { name: 'spiderpool', version },
      values: known.defaults,
      templates: [{ name: 'templates/x.yaml', data: Buffer.from(template).toString('base64') }],
    },
    config,
    manifest: '',
  };
  return {
    apiVersion: 'v1',
    kind,
    metadata: {
      name: `sh.helm.release.v1.spiderpool.v${revision}`,
      namespace: 'kube-system',
      labels: { owner: 'helm', name: 'spiderpool', status, version: String(revision) },
      annotations: { says: `${version} ${JSON.stringify(config)}` },
    },
    data: { release: encodeRelease(record, kind) },
  };
}
