// The images that a chart of Spiderpool runs with given values, as its templates put them together: registry, repository, and a digest or a tag.
// Sources: charts/spiderpool/templates/_helpers.tpl (*.image) and daemonset.yaml at every tag; an empty tag is "v" and the version of the chart (templates of 0.1.4 and later).
import type { Raw } from '../../engine/contracts.ts';
import { valueAt } from '../../helm/keys.ts';
import { isRaw } from '../../kube/json.ts';

/** Where the chart keeps them; `own`: tagged with the version of the chart by default. */
const PLACES: { at: string[]; own?: true; install?: string[] }[] = [
  { at: ['spiderpoolAgent', 'image'], own: true },
  { at: ['plugins', 'image'] },
  { at: ['multus', 'multusCNI', 'image'], install: ['multus', 'multusCNI', 'install'] },
];

/** Of spiderpool-agent, which runs on every node. `values`: as the templates see them. */
export function agentImages(values: Raw, version: string): string[] {
  const override = valueAt(values, ['global', 'imageRegistryOverride']);
  return PLACES.flatMap(({ at, own, install }) => {
    const image = valueAt(values, at);
    if (!isRaw(image) || (install && valueAt(values, install) === false)) return [];
    const { registry, repository, digest, tag } = image;
    if (typeof repository !== 'string' || repository === '') return [];
    const name = [typeof override === 'string' && override ? override : registry, repository].filter(Boolean).join('/');
    if (typeof digest === 'string' && digest) return [`${name}@${digest}`];
    const tagged = typeof tag === 'string' && tag ? tag : own ? `v${version}` : undefined;
    return tagged ? [`${name}:${tagged}`] : [];
  });
}
