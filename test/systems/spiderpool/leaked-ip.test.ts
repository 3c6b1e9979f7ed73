import { grid } from '../../grid.ts';

grid('spiderpool/leaked-ip', [
  { fixture: 'found', expect: ['warning SpiderIPPool/v4', 'warning SpiderIPPool/v4'] },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'in-use', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['spiderendpoints.spiderpool.spidernet.io'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['spiderippools.spiderpool.spidernet.io'], expect: 'unknown' },
  { fixture: 'healthy', forbidden: ['virtualmachineinstances.kubevirt.io'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['virtualmachines.kubevirt.io'], expect: 'unknown' },
]);
