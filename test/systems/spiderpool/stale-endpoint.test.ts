import { grid } from '../../grid.ts';

grid('spiderpool/stale-endpoint', [
  { fixture: 'found', expect: 'warning SpiderEndpoint/shop/llm-0' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['pods'], expect: 'unknown' },
]);
