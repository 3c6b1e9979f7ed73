// plan -o values: renamed keys of the file that was given, under their new names; everything else of its text stays.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Call } from '../../src/cli/call.ts';
import { migratedValues } from '../../src/cli/migrated-values.ts';
import type { Examination } from '../../src/engine/examine.ts';

const FILE = `# ours
ipam:
  # pools by subnet
  enableSpiderSubnet: false   # since March
  enableIPv6: false # no v6 here
coordinator:
  detectGateway: true
`;
const found = (state: string, key: string, ...to: string[]) => ({ args: { state, keys: [key], to } });
const before = {
  results: [
    {
      id: 'spiderpool/values-keys',
      findings: [
        found('renamed', 'ipam.enableSpiderSubnet', 'ipam.spiderSubnet.enable'),
        found('removed', 'coordinator.detectGateway'),
        found('renamed', 'feature.enableIPv4', 'ipam.enableIPv4'),
      ],
    },
  ],
} as unknown as Examination;

function migrated(...texts: string[]): { text: string; said: string[] } {
  const said: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'ug-values-'));
  const values = texts.map((text, at) => {
    const file = join(folder, `${at}.yaml`);
    writeFileSync(file, text);
    return file;
  });
  const call = { flags: { values }, say: (line: string) => void said.push(line), t: ({ en }: { en: string }) => en } as unknown as Call;
  return { text: migratedValues(call, before), said };
}

test('a key is moved with its comments; order and quotes stay', () => {
  const { text, said } = migrated(FILE);
  expect(text).toBe(`# ours
ipam:
  enableIPv6: false # no v6 here
  spiderSubnet:
    # pools by subnet
    enable: false # since March
coordinator:
  detectGateway: true
`);
  expect(said).toEqual([
    '# ipam.enableSpiderSubnet is ipam.spiderSubnet.enable now',
    '# coordinator.detectGateway is unchanged: the target version ignores it',
  ]);
});
test('what was alone in its map leaves none behind, and a null of the owner stays', () => {
  expect(migrated('feature:\n  enableIPv4: true\nplugins: null\n').text).toBe('plugins: null\nipam:\n  enableIPv4: true\n');
});
test('what is said in a map that the move empties goes along, too; CRLF and a # inside a string stay', () => {
  const file = ['# of the file', 'feature: # old names', '  # both families', '  enableIPv4: "true" # "#4"', '  # end', 'image: "a#b"', ''];
  expect(migrated(file.join('\r\n')).text.split('\r\n')).toEqual([
    '# of the file',
    '  # end',
    'image: "a#b"',
    'ipam:',
    '  # both families',
    '  # old names',
    '  enableIPv4: "true" # "#4"',
    '',
  ]);
});
test('between braces, a key on a line of its own is moved with its comments, too; every other comment stays', () => {
  const { text } = migrated(`ipam: {
  # pools by subnet
  enableSpiderSubnet: false, # since March
  # no v6 here
  enableIPv6: false, # ever
}
feature: {
  # both families
  enableIPv4: true # always
}
`);
  expect(text).toBe(`ipam: {
  # no v6 here
  enableIPv6: false, # ever
  # pools by subnet
  # since March
  spiderSubnet: {enable: false},
  # both families
  enableIPv4: true, # always
}
`);
});
test('a flow map has no line for them: nothing is lost', () => {
  const { text } = migrated('ipam: {enableSpiderSubnet: false} # short\n');
  expect(text).toContain('# short');
  expect(text).toContain('spiderSubnet');
});
test('one file, no more', () => {
  expect(() => migrated()).toThrow('exactly one --values FILE');
  expect(() => migrated(FILE, FILE)).toThrow('exactly one --values FILE');
});
