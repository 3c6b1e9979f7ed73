// Kills of spiderpool/owner-controller-type: three objects, one patch each, all of it exactly undone.
import { expect } from 'vitest';
import { bed } from '../../bed/index.ts';
import { CHECK, scene } from '../scene.ts';
import { sweeper } from './sweep.ts';

const cluster = bed();
const stage = await scene(cluster);
const sweeps = await sweeper(cluster);
const WRITES = ['POST leases', ...new Array(3).fill('PATCH spiderendpoints'), 'DELETE leases'];

sweeps.remedy({
  name: CHECK,
  fix: ['fix', CHECK],
  writes: WRITES,
  undoWrites: WRITES,
  reset: stage.reset,
  state: stage.state,
  fixed: async () => expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']),
  undone: async (before) => expect(await stage.state()).toEqual(before),
});
