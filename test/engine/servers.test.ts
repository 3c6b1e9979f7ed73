// The versions of API servers that answer by their own address: what could not be asked counts only where others could, and without any nothing is known but what the kubeconfig leads to.
import { expect, test } from 'vitest';
import type { Gap, Source } from '../../src/engine/contracts.ts';
import { examine } from '../../src/engine/examine.ts';
import { serversOf } from '../../src/engine/servers.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { liveSource, namespace } from '../snapshot/helpers.ts';

const lost: Gap = { why: 'failed', verb: 'get-path', resource: '/version', detail: '10.0.0.2:6443: no connection within 2 s' };
const answering = (answers: Record<string, string>, gaps: Gap[] = []): Source => ({
  ...liveSource([namespace]),
  serverVersion: async () => 'v1.37.2',
  text: async ({ path }, sink) => {
    if (path !== '/version') return [];
    for (const [server, version] of Object.entries(answers))
      for (const line of ['{', '  "major": "1",', `  "gitVersion": "${version}",`, '}']) sink.line(line, server);
    return gaps;
  },
});

test.each<[string, Source, object]>([
  [
    'several',
    answering({ 'a:1': 'v1.36.4', 'b:1': 'v1.37.2' }),
    {
      servers: [
        { address: 'a:1', version: 'v1.36.4' },
        { address: 'b:1', version: 'v1.37.2' },
      ],
      unasked: [],
    },
  ],
  ['one of two', answering({ 'a:1': 'v1.36.4' }, [lost]), { servers: [{ address: 'a:1', version: 'v1.36.4' }], unasked: [lost] }],
  [
    'one that behaves as the minor before',
    {
      ...answering({}),
      text: async (_, sink) => {
        for (const line of ['  "gitVersion": "v1.37.2",', '  "emulationMajor": "1",', '  "emulationMinor": "36",']) sink.line(line, 'a:1');
        return [];
      },
    },
    { servers: [{ address: 'a:1', version: 'v1.37.2', emulationMinor: '36' }], unasked: [] },
  ],
  ['none by its own address', answering({ '': 'v1.37.2' }, [lost]), {}],
  [
    'none by its own address, and the one of the kubeconfig behaves as the minor before',
    {
      ...answering({}),
      text: async (_, sink) => {
        for (const line of ['  "gitVersion": "v1.37.2",', '  "emulationMinor": "36",']) sink.line(line, '');
        return [lost];
      },
    },
    { emulationMinor: '36' },
  ],
  ['none', answering({}, [lost, lost]), {}],
])('%s', async (_, source, expected) => expect(await serversOf(source)).toEqual(expected));

test('the oldest server is the version of Kubernetes; a server that is not seen is a gap of it', async () => {
  const versionBy = async (source: Source) => {
    const { installations } = await examine(source, SYSTEMS, { systems: ['kubernetes'] });
    return [installations[0]!.version, installations[0]!.gaps?.length ?? 0];
  };
  expect(await versionBy(answering({ 'a:1': 'v1.37.2', 'b:1': 'v1.36.4' }))).toEqual(['v1.36.4', 0]);
  expect(await versionBy(answering({ 'a:1': 'v1.37.2' }, [lost]))).toEqual(['v1.37.2', 1]);
  expect(await versionBy(answering({ '': 'v1.37.2' }, [lost]))).toEqual(['v1.37.2', 0]);
});
