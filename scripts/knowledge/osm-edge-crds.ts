// Makes src/systems/osm-edge/knowledge/crd-fields.json from a clone of github.com/flomesh-io/osm-edge with its tags:
//   node scripts/run.mjs knowledge/osm-edge-crds PATH-OF-THE-CLONE
// The CRDs that the image of osm-bootstrap holds at each tag: what each of their API versions says, where releases differ.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Raw } from '../../src/engine/contracts.ts';
import releases from '../../src/systems/osm-edge/knowledge/releases.json' with { type: 'json' };
import { git } from './releases.ts';
import { tableOf } from './spiderpool-crds.ts';

const CRDS = 'cmd/osm-bootstrap/crds/';

function crdsOf(clone: string, tag: string): Raw[] {
  const files = git(clone, 'ls-tree', '-r', '--name-only', tag, CRDS)
    .split('\n')
    .filter((file) => file.endsWith('.yaml'));
  return files.flatMap((file) =>
    [...parseAllDocuments(git(clone, 'show', `${tag}:${file}`))]
      .map((document) => document.toJS() as Raw)
      .filter((object) => object?.kind === 'CustomResourceDefinition'),
  );
}

function main(clone: string | undefined): void {
  if (!clone) throw new Error('making knowledge/crd-fields.json: name the folder of a clone of flomesh-io/osm-edge');
  const tags = new Set(git(clone, 'tag').split('\n'));
  const versions = releases.releases.map(({ version }) => version).filter((version) => tags.has(`v${version}`));
  const table = tableOf(versions.map((version) => ({ version, crds: crdsOf(clone, `v${version}`) })));
  const source = 'cmd/osm-bootstrap/crds of github.com/flomesh-io/osm-edge at each tag; made by scripts/knowledge/osm-edge-crds.ts';
  const file = join(import.meta.dirname, '../../src/systems/osm-edge/knowledge/crd-fields.json');
  writeFileSync(file, `${JSON.stringify({ source, ...table }, null, 2)}\n`);
}

if (process.argv[1] === import.meta.filename) main(process.argv[2]);
