// The images that a chart of Spiderpool runs with given values, as its templates put them together: registry, repository, and a digest or a tag.
// Sources: charts/spiderpool/templates/_helpers.tpl (*.image), daemonset.yaml and deployment.yaml at every tag; an empty tag is "v" and the version of the chart (templates of 0.1.4 and later).
import type { Raw } from '../../engine/contracts.ts';
import { valueAt } from '../../helm/keys.ts';
import { isRaw } from '../../kube/json.ts';

/** As many images as a kubelet lists by default (nodeStatusMaxImages): what is not among them may be there all the same. */
export const LISTED = 50;

type Part = 'agent' | 'plugins' | 'multus' | 'controller';
export interface Image {
  part: Part;
  image: string;
  /** Names of its imagePullSecrets. */
  secrets: string[];
}

/** Where the chart keeps them; `own`: tagged with the version of the chart by default. */
const PLACES: { part: Part; at: string[]; own?: true; install?: string[] }[] = [
  { part: 'agent', at: ['spiderpoolAgent', 'image'], own: true },
  { part: 'plugins', at: ['plugins', 'image'] },
  { part: 'multus', at: ['multus', 'multusCNI', 'image'], install: ['multus', 'multusCNI', 'install'] },
  { part: 'controller', at: ['spiderpoolController', 'image'], own: true },
];

/** What --mirror sets: the registry that the templates put before every repository. */
export const mirrored = (registry: string): Raw => ({ global: { imageRegistryOverride: registry } });

/** That of the agent first. `values`: as the templates see them. */
export function imagesOf(values: Raw, version: string): Image[] {
  const override = valueAt(values, ['global', 'imageRegistryOverride']);
  return PLACES.flatMap(({ part, at, own, install }) => {
    const image = valueAt(values, at);
    if (!isRaw(image) || (install && valueAt(values, install) === false)) return [];
    const { registry, repository, digest, tag, imagePullSecrets } = image;
    if (typeof repository !== 'string' || repository === '') return [];
    const name = [typeof override === 'string' && override ? override : registry, repository].filter(Boolean).join('/');
    const tagged = typeof tag === 'string' && tag ? tag : own ? `v${version}` : undefined;
    const whole = typeof digest === 'string' && digest ? `${name}@${digest}` : tagged && `${name}:${tagged}`;
    const secrets = (Array.isArray(imagePullSecrets) ? imagePullSecrets : []).flatMap((each) =>
      isRaw(each) && typeof each.name === 'string' ? [each.name] : [],
    );
    return whole ? [{ part, image: whole, secrets }] : [];
  });
}

/** Of spiderpool-agent, which runs on every node. */
export const agentImages = (values: Raw, version: string): string[] =>
  imagesOf(values, version).flatMap(({ part, image }) => (part === 'controller' ? [] : [image]));

/** `listed`: the names of each image that a Node lists. */
export const isListed = (image: string, listed: readonly (readonly string[])[]): boolean => listed.some((names) => names.includes(image));
