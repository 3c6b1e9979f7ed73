// The tables of osm-edge: releases with their images, CRD versions, MeshConfig fields, closed schemas. Made by scripts/knowledge/osm-edge.ts; each is decoded when first used.
import { knowledge } from '../../../engine/knowledge.ts';
import { like, list, row, text } from '../../../engine/shapes.ts';
import releasesTable from './releases.json' with { type: 'json' };

const version = like(/^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-[\w.]{1,20})?$/, { en: 'a version such as 1.3.9', zh: '版本（例如 1.3.9）' });

export const releases = knowledge(
  'osm-edge/releases',
  row({ source: text, knownFrom: version, knownUpTo: version, releases: list(row({ version, image: text }, { pipy: text, fsm: text })) }),
  () => releasesTable,
);
