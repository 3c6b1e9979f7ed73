// npm run new-check -- SYSTEM/NAME: writes a check that works, its cases and its fixtures, to be filled with the real condition. Nothing else has to be touched.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CHECK_NAME, writeRegistries } from './registry.ts';

const ROOT = join(import.meta.dirname, '..');

/** Returns the files written, relative to `root`. Throws, having written nothing, when the name is not valid or a file is there already. */
export function newCheck(id: string, root = ROOT): string[] {
  const [system = '', name = '', ...rest] = id.split('/');
  const systems = readdirSync(join(root, 'src', 'systems'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, 'src', 'systems', entry.name, 'index.ts')))
    .map((entry) => entry.name);
  if (rest.length > 0 || name === '')
    throw new Error(`making check "${id}": give SYSTEM/NAME, for example ${systems[0]}/pool-has-free-addresses`);
  if (!systems.includes(system)) throw new Error(`making check "${id}": there is no system "${system}"; there is ${systems.join(', ')}`);
  if (!CHECK_NAME.test(name))
    throw new Error(`making check "${id}": "${name}" is no name; use lower case letters, digits and single dashes, a letter first`);
  const files = {
    [`src/systems/${system}/checks/${name}.ts`]: check(system, name),
    [`test/systems/${system}/${name}.test.ts`]: cases(system, name),
    [`test/fixtures/${system}/${name}/found.yaml`]: fixture(name, 'broken', 'What the check must find.'),
    [`test/fixtures/${system}/${name}/healthy.yaml`]: fixture(name, 'fine', 'Looks alike and is in order: the check must stay silent.'),
  };
  const there = Object.keys(files).filter((file) => existsSync(join(root, file)));
  if (there.length > 0) throw new Error(`making check "${id}": ${there.join(' and ')} exists already; choose another name or remove it`);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return Object.keys(files);
}

/** An example that can be run: every field of the contract that a small check needs, with a condition that no cluster meets by accident. */
const check = (system: string, name: string) => `// What is wrong in one sentence, and since which version.
// Sources: the file and the version of the upstream code or document that shows it.
import { finding, setFields } from '../../../engine/builders.ts';
import type { Check, Ref } from '../../../engine/contracts.ts';
import { list, word } from '../../../engine/read/index.ts';
import { formatPointer } from '../../../kube/pointer.ts';

const KEY = 'upgrade-guard.example/${name}';

const reads = {
  // Each row has its object (ref) and what its columns read; nothing else is requested, and nothing else gets into a snapshot.
  marked: list('configmaps', { mark: word(\`data['\${KEY}']\`) }, { only: ({ mark }) => mark === 'broken' }),
};

const check: Check<typeof reads, object> = {
  id: '${system}/${name}',
  // The condition that should hold.
  title: { en: 'no ConfigMap is marked as broken', zh: '没有 ConfigMap 被标记为损坏' },
  // What is the case where it does not hold: the headline of the findings.
  headline: { en: 'ConfigMaps are marked as broken', zh: '有 ConfigMap 被标记为损坏' },
  page: {
    impact: { en: 'An example: what breaks, in which versions.', zh: '示例：哪些版本会出现什么问题。' },
    detection: { en: 'ConfigMaps are searched for the mark.', zh: '在 ConfigMap 中查找该标记。' },
  },
  sources: [],
  // Version ranges of the installation (from) and of the target (to); leave out what does not matter.
  applies: { stage: 'both' },
  reads,
  judge: ({ marked }) =>
    marked.length
      ? [
          finding({
            severity: 'warning',
            // What is wrong, stable over runs and the names of Pods: part of the fingerprint.
            key: ['broken'],
            objects: marked.map(({ ref }) => ref),
            // Typed facts for the wording and the remedy; published with -o json.
            args: {},
            // A field and its value, as they are; words would stand in both languages.
            evidence: [{ seen: \`data.\${KEY}=broken\` }],
          }),
        ]
      : [],
  say: (_, { length }) => ({
    en: \`\${length} ConfigMap\${length === 1 ? ' is' : 's are'} marked as broken\`,
    zh: \`\${length} 个 ConfigMap 被标记为损坏\`,
  }),
  // Leave the remedy out where there is none. Its steps are made at every check: point reads must be few.
  remedy: {
    writes: [{ verbs: ['get', 'patch'], group: '', resource: 'configmaps' }],
    steps: async (found) => found.flatMap(({ objects }) => objects.map(step)),
  },
};
export default check;

/** Why we want it is read again right before the write: a field that is no longer as it was seen is left. */
const step = (on: Ref) =>
  setFields(on, [{ path: formatPointer(['data', KEY]), before: 'broken', after: 'fine' }], {
    en: \`mark ConfigMap \${on.namespace}/\${on.name} as fine\`,
    zh: \`将 ConfigMap \${on.namespace}/\${on.name} 标记为正常\`,
  });
`;

const cases = (system: string, name: string) => `import { grid } from '../../grid.ts';

grid('${system}/${name}', [
  {
    fixture: 'found',
    expect: 'warning ConfigMap/default/marked',
    steps: ['ConfigMap/default/marked /data/upgrade-guard.example~1${name}: broken → fine'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['configmaps'], expect: 'unknown' },
]);
`;

const fixture = (name: string, value: string, text: string) => `# ${text}
apiVersion: v1
kind: ConfigMap
metadata: {name: marked, namespace: default, uid: 0d5d52a8-0000-4000-8000-000000000031}
data: {upgrade-guard.example/${name}: ${value}}
`;

if (process.argv[1] === import.meta.filename) {
  const id = process.argv[2] ?? '';
  const files = newCheck(id);
  writeRegistries();
  console.log(`${files.join('\n')}\nNow write the condition, then: npm test -- test/systems/${id}.test.ts`);
}
