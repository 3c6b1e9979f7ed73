// How nodes are upgraded, where that was said (--nodes): what stands in the way of a drain does not concern who upgrades in place.
import type { Situation, Text } from '../../engine/contracts.ts';

/** Of checks about a drain. */
export const notDrained = ({ nodes }: Pick<Situation, 'nodes'>): { notApplicable: Text } | undefined =>
  nodes === 'in-place' ? { notApplicable: IN_PLACE } : undefined;

/** Of checks about an upgrade in place. */
export const isDrained = ({ nodes }: Pick<Situation, 'nodes'>): { notApplicable: Text } | undefined =>
  nodes === 'drain' || nodes === 'replace' ? { notApplicable: DRAINED } : undefined;

const IN_PLACE: Text = { en: 'Nodes are not drained (--nodes in-place)', zh: '不腾空节点（--nodes in-place）' };
const DRAINED: Text = { en: 'Nodes are drained first (--nodes drain)', zh: '先腾空节点（--nodes drain）' };
