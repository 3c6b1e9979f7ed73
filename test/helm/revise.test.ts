// A release with other API versions in its manifest: the text is changed in place, whatever its style, and its record is written and undone so that helm finds a deployed revision at every moment.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Entry, type Raw, type Ref, type Step, type StepOf, type World, WorldError } from '../../src/engine/contracts.ts';
import { backwards, type Executed, executeRun, executeUndo, leftAhead } from '../../src/engine/execute.ts';
import { hasten } from '../../src/engine/pace.ts';
import { inverseOf } from '../../src/engine/perform.ts';
import { progressOf } from '../../src/engine/progress.ts';
import { withValues } from '../../src/helm/record-text.ts';
import { decodeRelease, packedRecord, recordText } from '../../src/helm/release.ts';
import { withRecords } from '../../src/helm/revise.ts';
import { revisedManifest } from '../../src/helm/revise-manifest.ts';
import { pages, runOf, worldOf } from '../engine/worlds.ts';

hasten(100);

const APIS = [
  { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', to: 'policy/v1' },
  { apiVersion: 'policy/v1beta1', kind: 'PodSecurityPolicy' },
];
const revised = (text: string): string => {
  const made = revisedManifest(text, APIS);
  if ('refused' in made) throw new Error(made.refused.en);
  return made.text;
};

describe('the manifest', () => {
  test.each([
    [
      'kind before apiVersion',
      'kind: PodDisruptionBudget\napiVersion: policy/v1beta1\n',
      'kind: PodDisruptionBudget\napiVersion: policy/v1\n',
    ],
    [
      'quotes',
      '"apiVersion": "policy/v1beta1"\nkind: \'PodDisruptionBudget\'\n',
      '"apiVersion": "policy/v1"\nkind: \'PodDisruptionBudget\'\n',
    ],
    ['CRLF', 'apiVersion: policy/v1beta1\r\nkind: PodDisruptionBudget\r\n', 'apiVersion: policy/v1\r\nkind: PodDisruptionBudget\r\n'],
    [
      'comments',
      '# a\napiVersion:   policy/v1beta1 # b\n# c\nkind: PodDisruptionBudget\n',
      '# a\napiVersion:   policy/v1 # b\n# c\nkind: PodDisruptionBudget\n',
    ],
    [
      'flow and JSON',
      '{"kind":"PodDisruptionBudget","apiVersion":"policy/v1beta1"}',
      '{"kind":"PodDisruptionBudget","apiVersion":"policy/v1"}',
    ],
    [
      'a List',
      'apiVersion: v1\nkind: List\nitems:\n- kind: PodDisruptionBudget\n  apiVersion: policy/v1beta1\n- apiVersion: v1\n  kind: Pod\n',
      'apiVersion: v1\nkind: List\nitems:\n- kind: PodDisruptionBudget\n  apiVersion: policy/v1\n- apiVersion: v1\n  kind: Pod\n',
    ],
    [
      'text that looks like an object',
      'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    apiVersion: policy/v1beta1\n    kind: PodDisruptionBudget\n---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget',
      'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    apiVersion: policy/v1beta1\n    kind: PodDisruptionBudget\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget',
    ],
    [
      'another group',
      'apiVersion: policy.example.com/v1beta1\nkind: PodDisruptionBudget\n',
      'apiVersion: policy.example.com/v1beta1\nkind: PodDisruptionBudget\n',
    ],
  ])('%s', (_, before, after) => expect(revised(before)).toBe(after));

  test('documents of a kind without successor go, from their dashes to the next ones, and nothing else', () => {
    const pod = (name: string) => `---\n# Source: ${name}\napiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\n`;
    const policy = '---\n# Source: psp\nkind: PodSecurityPolicy\nmetadata:\n  name: x\napiVersion: policy/v1beta1\n';
    expect(revised(pod('a') + policy + pod('b') + policy + policy)).toBe(pod('a') + pod('b'));
    expect(revised(policy.slice(4) + pod('a'))).toBe(pod('a'));
    expect(revised(`${policy}---\n`)).toBe('---\n');
    expect(() => revised('apiVersion: v1\nkind: List\nitems:\n- {apiVersion: policy/v1beta1, kind: PodSecurityPolicy}\n')).toThrow(
      /stands in a List/,
    );
  });

  test('a text that holds such documents, with their dashes, stays to the letter', () => {
    const held = [
      '---',
      'kind: PodSecurityPolicy',
      'apiVersion: policy/v1beta1',
      '---',
      'apiVersion: policy/v1beta1',
      'kind: PodDisruptionBudget',
    ];
    const config = (lines: string[]) =>
      `---\napiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n${lines.map((line) => `    ${line}\n`).join('')}`;
    const policy = '---\nkind: PodSecurityPolicy\napiVersion: policy/v1beta1\n';
    expect(revised(config(held) + policy + config(held))).toBe(config(held) + config(held));
    // What ends a line for JavaScript ends none in YAML.
    const odd = config([`x\u2028--- y`, `x\u2028---`, 'apiVersion: policy/v1beta1', 'kind: PodDisruptionBudget']);
    expect(revised(odd + policy)).toBe(odd);
  });

  test('what is shared by an anchor, written twice or no YAML is refused, with its line', () => {
    expect(() => revised('a: 1\n---\nx: &v policy/v1beta1\napiVersion: *v\nkind: PodDisruptionBudget\n')).toThrow(
      /line 3 .*shared by an anchor/,
    );
    expect(() => revised('apiVersion: v1\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n')).toThrow(/written twice/);
    expect(() => revised('apiVersion: policy/v1beta1\na: [\n')).toThrow(/cannot be read: line/);
  });

  test.each(['06', '07', '08'])(
    'manifest %s of mapkubeapis, of which it loses objects: all of its policies go, everything else stays to the letter',
    (number) => {
      const file = join(
        import.meta.dirname,
        `../../../shared/data/kubernetes/manifests/mapkubeapis/${number}-podSecurityPolicyManifest.yaml`,
      );
      const before = readFileSync(file, 'utf8');
      const kinds = (text: string) =>
        parseAllDocuments(text, { logLevel: 'silent' }).flatMap((each) => (each.toJS() as Raw | null)?.kind ?? []);
      const after = revised(before);
      expect(kinds(after)).toEqual(kinds(before).filter((kind) => kind !== 'PodSecurityPolicy'));
      for (const line of after.split('\n')) expect(before).toContain(line);
    },
  );
});

describe('the text of the record', () => {
  test('values are changed where they stand; numbers stay as they were written', () => {
    const text =
      '{"version": 3,"config":{"big":12345678901234567890,"one":1.0,"e":1e400},"info":{"status":"deployed"}, "hooks":[{"a":"}]\\""},{"manifest":"x"}]}';
    expect(
      withValues(text, [
        { path: ['info', 'status'], value: 'superseded' },
        { path: ['version'], value: 4 },
        { path: ['hooks', 1, 'manifest'], value: 'y"' },
      ]),
    ).toBe(
      '{"version": 4,"config":{"big":12345678901234567890,"one":1.0,"e":1e400},"info":{"status":"superseded"}, "hooks":[{"a":"}]\\""},{"manifest":"y\\""}]}',
    );
    expect(withValues(text, [{ path: ['info', 'nothing'], value: 1 }])).toBeUndefined();
  });
  test('of any JSON: what is set is what is read, and everything else is as before', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), fc.boolean(), (rest, key, value, spaced) => {
        const object = JSON.parse(JSON.stringify({ ...rest, [key]: { inner: [0, 'x'] } }));
        const text = JSON.stringify(object, null, spaced ? 2 : undefined);
        const next = JSON.parse(withValues(text, [{ path: [key, 'inner', 1], value: JSON.parse(JSON.stringify(value)) }])!);
        expect(next).toEqual({ ...object, [key]: { inner: [0, JSON.parse(JSON.stringify(value))] } });
      }),
    );
  });
});

// ---- the step -------------------------------------------------------------------------------------------------------

const name = (revision: number) => `sh.helm.release.v1.web.v${revision}`;
const secret = (revision: number): Ref => ({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: name(revision) });
const TEXT =
  '{"name":"web","info":{"first_deployed":"2025-01-01T00:00:00Z","last_deployed":"2025-01-01T00:00:00Z","deleted":"","description":"Upgrade complete","status":"deployed"},' +
  '"chart":{"metadata":{"name":"web","version":"1.0.0"},"values":{"big":12345678901234567890}},"config":{"secret":"s3cr3t"},' +
  '"manifest":"---\\n# Source: web\\napiVersion: policy/v1beta1\\nkind: PodDisruptionBudget\\nmetadata:\\n  name: web\\n",' +
  '"hooks":[{"name":"h","manifest":"kind: PodDisruptionBudget\\napiVersion: policy/v1beta1\\n"}],"version":3,"namespace":"shop"}';
const record = (text = TEXT, revision = 3, status = 'deployed'): Raw => ({
  ...{ apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1' },
  metadata: {
    ...{ name: name(revision), namespace: 'shop', uid: `u${revision}`, resourceVersion: '9' },
    labels: { owner: 'helm', name: 'web', status, version: `${revision}`, modifiedAt: '1735689600', team: 'shop' },
  },
  data: { release: packedRecord(text, 'Secret') },
});
const STEP = {
  ...{ id: '1', do: 'revise', release: { namespace: 'shop', name: 'web' }, records: 'Secret', from: 3, to: 4, apis: APIS },
  ...{ guard: [], after: [], reasons: ['f'], text: { en: 'x', zh: 'x' }, undo: 'exact' },
} as StepOf<'revise'>;
type Ran = Executed & { entries: Entry[] };
const halt = new AbortController().signal;
async function go(world: World, entries: Entry[] = [], way: typeof executeRun = executeRun): Promise<Ran> {
  const journal = pages();
  const executed = await way(runOf(STEP), { world: withRecords(world), journal, progress: progressOf(entries), halt });
  return { ...executed, entries: [...entries, ...journal.entries] };
}
const detail = ({ outcomes }: Executed) => outcomes.get('1')?.detail?.en;
/** Revisions with their status, by label and inside. */
async function statuses(world: World): Promise<string[]> {
  const found: string[] = [];
  for (const revision of [3, 4, 5]) {
    const object = await world.get(secret(revision));
    const release = object && decodeRelease(object);
    if (!object || !release) continue;
    const label = ((object.metadata as Raw).labels as Raw).status;
    found.push(`${revision} ${label} ${'why' in release ? release.why : release.status}`);
  }
  return found;
}

test('the new record is there, deployed, before the old one is superseded; undone, all is as before to the letter', async () => {
  const world = worldOf(record());
  const order: string[][] = [];
  const watched: World = {
    ...world,
    write: async (...args) => {
      const answer = await world.write(...args);
      order.push(await statuses(world));
      return answer;
    },
  };
  const done = await go(watched);
  expect([done.state, detail(done)]).toEqual(['finished', undefined]);
  expect(order).toEqual([
    ['3 deployed deployed', '4 deployed deployed'],
    ['3 superseded superseded', '4 deployed deployed'],
  ]);
  const made = recordText((await world.get(secret(4)))!) as string;
  expect(made).toContain('"big":12345678901234567890');
  expect(JSON.parse(made)).toMatchObject({
    ...{ version: 4, manifest: expect.stringContaining('apiVersion: policy/v1\n'), config: { secret: 's3cr3t' } },
    hooks: [{ manifest: 'kind: PodDisruptionBudget\napiVersion: policy/v1\n' }],
    info: {
      status: 'deployed',
      description: 'API versions of revision 3 rewritten by upgrade-guard',
      first_deployed: '2025-01-01T00:00:00Z',
    },
  });
  expect((await world.get(secret(4)))!.metadata).toMatchObject({
    labels: { owner: 'helm', name: 'web', status: 'deployed', version: '4', team: 'shop' },
  });
  expect(JSON.stringify(done.entries)).not.toMatch(/s3cr3t|"data"/);
  const undone = await go(watched, done.entries, executeUndo);
  expect([undone.state, undone.outcomes.get('1')?.result]).toEqual(['finished', 'done']);
  expect(order.slice(2)).toEqual([['3 deployed deployed', '4 deployed deployed'], ['3 deployed deployed']]);
  const back = (await world.get(secret(3)))!;
  expect(recordText(back)).toBe(TEXT);
  expect((back.metadata as Raw).labels).toEqual((record().metadata as Raw).labels);
  expect((await go(watched, undone.entries, executeUndo)).outcomes.size).toBe(0);
});

test('cut at each write, answered or not: resumed and undone, it ends right', async () => {
  for (const at of [1, 2])
    for (const happens of [false, true])
      for (const ending of [executeRun, executeUndo]) {
        const world = worldOf(record());
        let sent = 0;
        const journal = pages();
        const cut: World = {
          ...world,
          write: async (...args) => {
            if (++sent < at) return world.write(...args);
            if (happens) await world.write(...args);
            throw new Error('killed');
          },
        };
        await expect(executeRun(runOf(STEP), { world: withRecords(cut), journal, progress: progressOf([]), halt })).rejects.toThrow(
          'killed',
        );
        expect(await statuses(world)).toContainEqual(expect.stringMatching(/deployed deployed/));
        expect((await go(world, journal.entries, ending)).state).toBe('finished');
        expect(await statuses(world)).toEqual(
          ending === executeRun ? ['3 superseded superseded', '4 deployed deployed'] : ['3 deployed deployed'],
        );
      }
});

describe('others', () => {
  test('a revision that helm made meanwhile is left, and named', async () => {
    const theirs = TEXT.replace('"version":3', '"version":4').replace('Upgrade complete', 'Upgrade complete.');
    const world = worldOf(record(), record(theirs, 4));
    const failed = await go(world);
    expect([failed.state, detail(failed)]).toEqual(['unchanged', 'revision 4 was created in the meantime']);
  });
  test('once helm has gone on from the new revision, an undo leaves both', async () => {
    const world = worldOf(record());
    const done = await go(world);
    const ahead = async () => {
      const progress = progressOf(done.entries);
      const inverses = backwards(runOf(STEP), progress).map((step) => inverseOf(step, progress) as Step);
      return (await leftAhead(inverses, withRecords(world))).map(([{ id }, { result, detail }]) => [id, result, detail?.en]);
    };
    expect(await ahead()).toEqual([]);
    await world.write({ verb: 'create', object: record(TEXT, 5) });
    // A dry run of the undo says so before it is asked for.
    expect(await ahead()).toEqual([['1', 'left', expect.stringContaining('revision 5 was created')]]);
    const undone = await go(world, done.entries, executeUndo);
    expect([undone.outcomes.get('1')?.result, detail(undone)]).toEqual([
      'left',
      'revision 5 was created in the meantime; to go back to revision 3: helm rollback web 3 -n shop',
    ]);
    expect(await statuses(world)).toEqual(['3 superseded superseded', '4 deployed deployed', '5 deployed deployed']);
  });
  test('a revision that is not deployed any more is not copied; a refusal of the server is final', async () => {
    const failed = await go(worldOf(record(TEXT.replace('"status":"deployed"', '"status":"superseded"'))));
    expect([failed.state, detail(failed)]).toEqual(['unchanged', 'revision 3 is superseded, not deployed']);
    const world = worldOf(record());
    const refused = await go({
      ...world,
      write: async (write, options) => {
        if (write.verb === 'create') throw new WorldError('refused', 'quota');
        return world.write(write, options);
      },
    });
    expect([refused.state, detail(refused), await statuses(world)]).toEqual(['unchanged', 'refused: quota', ['3 deployed deployed']]);
  });
});
