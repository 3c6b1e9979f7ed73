// What a look at a release says to each step about it: by its newest revision, and by whether a helm of this machine is at work. What helm leaves behind in truth is seen
// on a real cluster (test/control/kills/upgrade.test.ts).
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Look, Revision, StepOf, World } from '../../src/engine/contracts.ts';
import { hasten } from '../../src/engine/pace.ts';
import { helm, unpend } from '../../src/engine/steps/helm.ts';
import { worldOf } from './worlds.ts';

hasten(10);

const RELEASE = { namespace: 'kube-system', name: 'sp' };
const CONFIG = 'the digest of what it then holds';
const upgrade = {
  ...{ do: 'helm', action: 'upgrade', release: RELEASE, from: 3, config: CONFIG, within: 60 },
  chart: { path: '/c', name: 'spiderpool', version: '0.9.13' },
} as StepOf<'helm'>;
const rollback: StepOf<'helm'> = { ...upgrade, action: 'rollback' };
const clearing = { do: 'unpend', release: RELEASE, revision: 4, quiet: 60 } as StepOf<'unpend'>;

/** As it was before the upgrade, and as our upgrade makes it, unless told otherwise. */
const old = (more: Partial<Revision> = {}): Revision => revision({ revision: 3, chart: 'spiderpool-0.9.4', ...more });
const ours = (more: Partial<Revision> = {}): Revision => revision({ revision: 4, ...more });
const back = (more: Partial<Revision> = {}): Revision => revision({ ...{ revision: 5, chart: 'spiderpool-0.9.4' }, ...more });
const revision = (more: Partial<Revision>): Revision => ({
  ...{ revision: 4, status: 'deployed', touched: 0, chart: 'spiderpool-0.9.13', digest: CONFIG, description: 'said' },
  ...more,
});

/** Not a rehearsal. */
const LIVE: World = { ...worldOf(), assume: undefined };
type Seen = Revision | 'none';
/** What is seen one look after the other, the last for ever; alive: a helm is at work meanwhile. */
function worldSeeing(...looks: (Seen | ['alive', Seen])[]): World {
  const now = () => looks[0]!;
  return {
    ...LIVE,
    helm: {
      isAlive: async () => Array.isArray(now()),
      newest: async () => {
        const seen = looks.length > 1 ? looks.shift()! : now();
        const it = Array.isArray(seen) ? seen[1] : seen;
        return it === 'none' ? undefined : it;
      },
    },
  };
}

/** Time runs so fast that nothing is waited for. */
function impatient(): void {
  let clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (clock += 1e9));
}
afterEach(() => {
  vi.restoreAllMocks();
});

function said(look: Look): string {
  if (look.is === 'to-do') return look.now ? `to-do, clear ${look.now.clear}` : 'to-do';
  if (look.is === 'done') return 'done';
  return `${look.is}: ${look.because?.en}`;
}

const GONE = 'refused: there is no such release any more';
const ALIVE = 'moved: another helm process on this machine is working on the release; wait for it, then resume';
const anothers = (which: number, status = 'deployed') => `moved: revision ${which} (${status}) was created in the meantime`;

describe('upgrade', () => {
  test.each<[string, Seen, string]>([
    ['the release is gone', 'none', GONE],
    ['not begun', old(), 'to-do'],
    ['not begun, from a failed revision', old({ status: 'failed' }), 'to-do'],
    ['what it begins from is pending', old({ status: 'pending-upgrade' }), 'refused: revision 3 is pending-upgrade: said'],
    ['done', ours(), 'done'],
    ['failed', ours({ status: 'failed' }), 'refused: revision 4 is failed: said'],
    ['cut', ours({ status: 'pending-upgrade' }), 'to-do, clear 4'],
    ['pending with other values', ours({ status: 'pending-upgrade', digest: 'x' }), anothers(4, 'pending-upgrade')],
    ['another chart', ours({ chart: 'spiderpool-0.9.12' }), anothers(4)],
    ['a later revision', ours({ revision: 5 }), anothers(5)],
    ['an earlier one', old({ revision: 2 }), anothers(2)],
  ])('%s', async (_, seen, expected) => expect(said(await helm.look(upgrade, worldSeeing(seen)))).toBe(expected));
});

describe('rollback', () => {
  // helm says so from its beginning on (pkg/action/rollback.go).
  const cut = { status: 'pending-rollback', description: 'Rollback to 3' };
  test.each<[string, Seen, string]>([
    ['the release is gone', 'none', GONE],
    ['from what we made', ours(), 'to-do'],
    ['from what failed', ours({ status: 'failed' }), 'to-do'],
    ['from what was cut', ours({ status: 'pending-upgrade' }), 'to-do, clear 4'],
    ['from what is pending with other values', ours({ status: 'pending-upgrade', digest: 'x' }), anothers(4, 'pending-upgrade')],
    ['no revision was made', old(), 'to-do'],
    ['done', back({ description: 'Rollback to 3' }), 'done'],
    ['cut itself', back(cut), 'to-do, clear 5'],
    ['failed itself', back({ status: 'failed', description: 'Rollback "sp" failed: x' }), 'to-do'],
    ['a rollback to somewhere else', back({ description: 'Rollback to 2' }), anothers(5)],
    ['a later upgrade, rolled back to ours', ours({ revision: 6, description: 'Rollback to 4' }), 'to-do'],
    ['that of another chart', back({ revision: 6, description: 'Rollback to 4' }), anothers(6)],
    ['an upgrade that failed since', back({ status: 'failed', description: 'Upgrade "sp" failed: x' }), anothers(5, 'failed')],
    ['an upgrade since', back(), anothers(5)],
  ])('%s', async (_, seen, expected) => expect(said(await helm.look(rollback, worldSeeing(seen)))).toBe(expected));
});

describe('unpend', () => {
  const pending = (more: Partial<Revision> = {}) => ours({ status: 'pending-upgrade', ...more });
  const restless = 'moved: another helm process still writes to the record';
  const timeless = 'refused: the time of the last write to the record is unknown, so a running helm cannot be ruled out';
  test.each<[string, Seen, string]>([
    ['the release is gone', 'none', 'done'],
    ['its record is gone', old(), 'done'],
    ['it came to its end', ours(), 'obsolete: revision 4 is deployed: said'],
    ['another came behind it', pending({ revision: 5 }), 'obsolete: revision 5 is pending-upgrade: said'],
    ['quiet for long', pending(), 'to-do'],
    ['written just now', pending({ touched: Date.now() }), restless],
  ])('%s', async (_, seen, expected) => {
    impatient();
    expect(said(await unpend.look(clearing, worldSeeing(seen)))).toBe(expected);
  });
  test('where the time of its last write is unknown nothing is waited for', async () => {
    const began = performance.now();
    expect(said(await unpend.look(clearing, worldSeeing(pending({ touched: Number.NaN }))))).toBe(timeless);
    expect(performance.now() - began).toBeLessThan(3000);
  });
  test('a time that is still to come counts from now', async () => {
    const seen = pending({ touched: Date.now() + 1e9 });
    const began = Date.now();
    expect(said(await unpend.look({ ...clearing, quiet: 5 }, worldSeeing(seen)))).toBe('to-do');
    expect(Date.now() - began).toBeGreaterThanOrEqual(500);
  });
  test('the wait ends when the run is halted', async () => {
    const halt = new AbortController();
    setTimeout(() => halt.abort(), 50);
    const began = Date.now();
    await unpend.look({ ...clearing, quiet: 6000 }, worldSeeing(pending({ touched: began })), halt.signal);
    await helm.look({ ...upgrade, within: 6000 }, worldSeeing(['alive', pending()]), halt.signal);
    expect(Date.now() - began).toBeLessThan(5000);
  });
  test('in a rehearsal it is an object like any other', async () => {
    const record = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'kube-system', name: 'sh.helm.release.v1.sp.v4' } };
    expect(await unpend.look(clearing, worldOf())).toMatchObject({ is: 'done' });
    expect(await unpend.look(clearing, worldOf(record))).toMatchObject({ is: 'to-do', now: record });
  });
});

const PENDING = ours({ status: 'pending-upgrade' });
describe('a helm at work', () => {
  test.each([
    ['upgrade', () => helm.look(upgrade, worldSeeing(['alive', PENDING], ours())), 'done'],
    ['rollback', () => helm.look(rollback, worldSeeing(['alive', PENDING], ours())), 'to-do'],
    ['unpend', () => unpend.look(clearing, worldSeeing(['alive', PENDING], ours())), 'obsolete: revision 4 is deployed: said'],
  ])('is waited for: %s', async (_, look, expected) => expect(said(await look())).toBe(expected));
  test.each([
    ['upgrade', () => helm.look(upgrade, worldSeeing(['alive', PENDING]))],
    ['rollback', () => helm.look(rollback, worldSeeing(['alive', PENDING]))],
    ['unpend', () => unpend.look(clearing, worldSeeing(['alive', PENDING]))],
  ])('and left alone where it does not end: %s', async (_, look) => {
    impatient();
    expect(said(await look())).toBe(ALIVE);
  });
});

test('without a helm nothing is done', async () => {
  for (const look of [helm.look(upgrade, LIVE), unpend.look(clearing, LIVE)])
    expect(said(await look)).toBe('refused: helm cannot be called here');
});
