// What the flags of check and fix ask of an examination: systems, checks, targets, the chart, what is accepted.

import { type HelmMeant, intendedBy } from '../chart/intended.ts';
import type { Acceptance } from '../engine/acceptance.ts';
import type { System, SystemId, Text } from '../engine/contracts.ts';
import type { Examination, ExamineOptions } from '../engine/examine.ts';
import { isOfWayBack, parseTarget, type Target, type TargetFlag } from '../engine/paths.ts';
import { badChart } from '../helm/chart.ts';
import type { Chart, Templates } from '../helm/contracts.ts';
import { loadChart } from '../helm/load-chart.ts';
import { helmDriver } from '../helm/records.ts';
import { helmFor } from '../helm/run.ts';
import { clusterName } from '../report/plan.ts';
import { checkOf, SYSTEMS } from '../systems/index.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { intentOf, mirrorOf } from './intent.ts';

/** `meant`: what of it is helm's, for the upgrade itself. */
export type Asked = ExamineOptions & { meant: HelmMeant };

export async function examineOptions(call: Call, only: { systems?: SystemId[]; checks?: string[] }): Promise<Asked> {
  const { accept, namespace } = call.flags;
  const targets = targetsGiven(call, only);
  const chart = call.flags.chart === undefined ? undefined : await loadChart(call.flags.chart);
  const templates = call.flags.chart === undefined ? undefined : await templatesOf(call, call.flags.chart);
  const meant: HelmMeant = { chart, intent: await intentOf(call.flags, templates?.version), mirror: mirrorOf(call.flags), templates };
  return {
    ...only,
    targets: chart ? withChart(targets, chart, call.flags.chart!) : targets,
    meant,
    intended: intendedBy(meant),
    helmDriver: helmDriver(call.env.HELM_DRIVER),
    nodes: call.flags.nodes,
    accept: (accept ?? []).map(acceptance),
    namespace: call.flags['all-namespaces'] ? undefined : namespace,
    began: (what) => call.begins({ en: `Checking ${what}...`, zh: `正在检查 ${what}……` }),
  };
}

/** `--to` or `--back-to`. Throws UserError where they are mixed, or where nothing is known of the way back. */
export function targetsGiven({ flags }: Call, { systems = [], checks = [] }: { systems?: SystemId[]; checks?: string[] }): Target[] {
  const named = [...new Set([...systems, ...checks.map((id) => id.slice(0, id.indexOf('/')))])];
  const given = (flag: TargetFlag) =>
    (flags[flag] ?? []).map((text) => parseTarget(text, SYSTEMS, named.length === 1 ? named[0] : undefined, flag));
  const back = given('back-to');
  if (!back.length) return given('to');
  if (flags.to || flags.chart !== undefined) throw bothWays(flags.to ? 'to' : 'chart');
  const ways = SYSTEMS.filter((system) => system.checks.some(isOfWayBack)).map(({ id }) => id);
  const blind = [...new Set([...back.map(({ system }) => system), ...named])].find((id) => !ways.includes(id));
  if (blind !== undefined) throw noWayBack(blind, ways);
  const other = checks.find((id) => !isOfWayBack(checkOf(id)));
  if (other !== undefined) throw notOfWayBack(other);
  return back;
}

const bothWays = (flag: 'to' | 'chart'): UserError =>
  new UserError(
    {
      en: `--back-to and --${flag} cannot be used together: one asks about the way back, the other about an upgrade`,
      zh: `--back-to 与 --${flag} 不能同时使用：前者检查回退，后者检查升级`,
    },
    { en: `the way back: {retry:${flag}}; the upgrade: {retry:back-to}`, zh: `检查回退：{retry:${flag}}；检查升级：{retry:back-to}` },
  );

const noWayBack = (system: SystemId, ways: readonly SystemId[]): UserError =>
  new UserError(
    {
      en: `--back-to: this version of upgrade-guard has no checks of the way back of ${system}; it has them for ${ways.join(', ')}`,
      zh: `--back-to：当前版本的 upgrade-guard 没有针对 ${system} 回退的检查项；支持 ${ways.join('、')}`,
    },
    { en: 'all checks: {tool} checks', zh: '全部检查项：{tool} checks' },
  );

const notOfWayBack = (check: string): UserError =>
  new UserError(
    { en: `--back-to: ${check} is not a check of the way back`, zh: `--back-to：${check} 不是针对回退的检查项` },
    { en: `without --back-to: {retry:back-to}`, zh: `不使用 --back-to：{retry:back-to}` },
  );

/**
 * What was asked for by name and is installed nowhere is an error, as in kubectl; the results that there are have been shown. `exit`: of those results, where they
 * say something worse. Throws UserError.
 */
export function assertInstalled(
  { flags }: Pick<Call, 'flags'>,
  { systems = [], checks = [] }: ExamineOptions,
  looked: readonly Examination[],
  exit: number,
): void {
  const named = SYSTEMS.filter(({ id }) => systems.includes(id) || checks.some((check) => check.startsWith(`${id}/`)));
  const missing = looked.length ? named.filter(({ id }) => looked.every(({ absent }) => absent.includes(id))) : [];
  if (!missing.length) return;
  const where = flags.from ?? looked.map(({ identity }) => clusterName(identity)).join(', ');
  const ids = missing.map(({ id }) => id);
  if (flags.from !== undefined && ids.includes('kubernetes')) throw versionless(flags.from, missing, exit);
  const signs = (language: 'en' | 'zh') => missing.map((system) => system.signs[language]).join({ en: '; ', zh: '；' }[language]);
  throw new UserError(
    {
      en: `${ids.join(', ')} not ${flags.from === undefined ? 'installed' : 'found'} in ${where} (looked for: ${signs('en')})`,
      zh: `${where} 中未${flags.from === undefined ? '安装' : '找到'} ${ids.join('、')}（查找依据：${signs('zh')}）`,
    },
    lookElsewhere(flags),
    exit === EXIT.findings ? exit : EXIT.failed,
  );
}

/** A file has no API server that could be asked for it: manifests are checked for a version that is named. */
function versionless(from: string, missing: readonly System[], exit: number): UserError {
  const next = `{tool} check --filename ${shellWord(from)} --offline --to kubernetes=${missing.find(({ id }) => id === 'kubernetes')!.knownUpTo}`;
  return new UserError(
    {
      en: `${from} does not hold the version of an API server: the version of the cluster is unknown`,
      zh: `${from} 中没有 API 服务器的版本：集群的版本未知`,
    },
    {
      en: `for a cluster take a snapshot: {tool} snapshot snapshot.tar.gz; to check manifests: ${next}`,
      zh: `检查集群请生成快照：{tool} snapshot snapshot.tar.gz；检查清单：${next}`,
    },
    exit === EXIT.findings ? exit : EXIT.failed,
  );
}

function lookElsewhere({ from, offline }: Call['flags']): Text {
  if (from === undefined && !offline)
    return {
      en: 'is this the right cluster (--context)? To check everything installed: {tool} check{reach}',
      zh: '请确认集群是否正确（--context）；检查已安装的全部系统：{tool} check{reach}',
    };
  const given =
    from === undefined
      ? { en: 'are these the right manifests (-f)', zh: '清单（-f）' }
      : { en: 'is this the right snapshot (--from)', zh: '快照（--from）' };
  return {
    en: `${given.en}? To check everything in it: {tool} check{place}`,
    zh: `请确认${given.zh}是否正确；检查其中的全部系统：{tool} check{place}`,
  };
}

/** A helm that cannot be used is said, and done without. */
async function templatesOf(call: Call, chart: string): Promise<Templates | undefined> {
  try {
    return await helmFor(chart, call.env, call.signal);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    call.say(call.t({ en: `Continuing without helm: ${error.text.en}`, zh: `不使用 helm 继续：${error.text.zh}` }));
    return undefined;
  }
}

/** The chart's version is the target; a --to that says otherwise contradicts it. `from`: where the chart was read. */
function withChart(targets: Target[], chart: Chart, from: string): Target[] {
  const system = SYSTEMS.find(({ chart: its }) => its === chart.name);
  const version = system?.parse(chart.version);
  if (!system || !version) {
    const known = SYSTEMS.flatMap(({ chart: its }) => its ?? []).join(', ');
    const it = `${chart.name} ${chart.version}`;
    throw badChart(from, {
      en: `it is ${it}, not a chart of ${known}`,
      zh: `这是 ${it}，不是 ${SYSTEMS.map(({ id }) => id).join('、')} 的 chart`,
    });
  }
  const mine = targets.filter((target) => target.system === system.id);
  const other = mine.find((target) => system.compare(target.version, version) !== 0);
  if (other)
    throw badChart(from, {
      en: `it is ${version}, but --to says ${other.version}`,
      zh: `其版本为 ${version}，而 --to 指定了 ${other.version}`,
    });
  return mine.length ? targets : [...targets, { system: system.id, version }];
}

/** Reads one --accept. Throws UserError. */
export function acceptance(text: string): Acceptance {
  const colon = text.indexOf(':');
  const id = colon < 0 ? text : text.slice(0, colon);
  const object = colon < 0 ? undefined : text.slice(colon + 1);
  const check = checkOf(id, 'accept').id;
  if (object !== undefined && !/^[^/]+(\/[^/]+){1,2}$/.test(object)) {
    throw new UserError(
      {
        en: `reading --accept ${text}: after the colon comes KIND/NAMESPACE/NAME or KIND/NAME`,
        zh: `读取 --accept ${text}：冒号之后应为 KIND/NAMESPACE/NAME 或 KIND/NAME`,
      },
      { en: `for example: --accept ${check}:Pod/default/web-0`, zh: `例如：--accept ${check}:Pod/default/web-0` },
    );
  }
  return { check, object };
}
