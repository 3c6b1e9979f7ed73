// The releases of K3s; decoded when first used.
import { knowledge } from '../../../engine/knowledge.ts';
import { like, list, row, text } from '../../../engine/shapes.ts';
import releasesTable from './releases.json' with { type: 'json' };

const release = like(/^v1\.\d{1,3}\.\d{1,3}\+k3s\d{1,2}$/, { en: 'a release such as v1.36.3+k3s1', zh: '版本（例如 v1.36.3+k3s1）' });

export const releases = knowledge('k3s/releases', row({ source: text, knownUpTo: release, releases: list(release) }), () => releasesTable);
