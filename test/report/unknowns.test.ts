// What a look at the end of a run says of checks that did not see all they need: its exit code alone would not.
import { expect, test } from 'vitest';
import type { CheckResult } from '../../src/engine/contracts.ts';
import { incomplete, obstacles } from '../../src/report/unknowns.ts';
import { style } from '../../src/text/colour.ts';

const result = (id: string, outcome: CheckResult['outcome'], gaps: CheckResult['gaps'] = []): CheckResult => ({
  ...{ id, installation: 'kubernetes@cluster', findings: [], outcome, gaps },
});
const GAP = { why: 'forbidden', verb: 'list', resource: 'pods' } as CheckResult['gaps'][number];

test('every check saw all that it needs: nothing', () => {
  expect(incomplete([result('a/b', 'passed'), result('a/c', 'found'), result('a/d', 'not-applicable')])).toBeUndefined();
});
test('unknown, not looked at, and found with something unseen: by name, each once, the rest as a number', () => {
  expect(incomplete([result('a/b', 'unknown'), result('a/b', 'unknown'), result('a/c', 'passed')])).toEqual({
    en: '? 1 check could not run completely: a/b (why: {tool} check{reach})',
    zh: '? 1 项检查无法完成：a/b（原因见：{tool} check{reach}）',
  });
  const many = [result('a/1', 'unknown'), result('a/2', 'not-looked-at'), result('a/3', 'found', [GAP]), result('a/4', 'unknown')];
  expect(incomplete(many)).toEqual({
    en: '? 4 checks could not run completely: a/1, a/2, a/3 and 1 more (why: {tool} check{reach})',
    zh: '? 4 项检查无法完成：a/1、a/2、a/3 等（原因见：{tool} check{reach}）',
  });
});
test.each([
  ['en', 'no backup; take one: kubectl --context prod exec etcd'],
  ['zh', '看不到备份；请执行“kubectl --context prod exec etcd”'],
] as const)('a command that would settle it goes to the cluster that was looked at: %s', (language, why) => {
  const note = { en: 'no backup; take one: kubectl exec etcd', zh: '看不到备份；请执行“kubectl exec etcd”' };
  const face = { language, columns: 80, tool: 't', wide: false, style: style({ isTTY: false }, {}) };
  const [there] = obstacles({ ...result('a/b', 'unknown'), note }, { ...face, aim: { kubectl: ' --context prod', helm: '' } });
  expect(there).toMatchObject({ why });
  expect(obstacles({ ...result('a/b', 'unknown'), note }, face)).toMatchObject([{ why: note[language] }]);
});
