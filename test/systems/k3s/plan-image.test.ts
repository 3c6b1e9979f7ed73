import { grid } from '../../grid.ts';

const AGENTS = 'Plan/system-upgrade/agents';

grid('k3s/plan-image', [
  { fixture: 'found', expect: [`blocker ${AGENTS}`, `blocker ${AGENTS}`, `blocker ${AGENTS}`] },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'pinned', expect: [`warning ${AGENTS}`, `blocker ${AGENTS}`] },
  { fixture: 'healthy', forbidden: ['configmaps'], expect: 'unknown' },
  { expect: 'passed' },
]);
