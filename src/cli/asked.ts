// What the flags of check and fix ask of an examination: systems, checks, targets, the chart, what is accepted.
import type { Chart, SystemId, Templates } from '../engine/contracts.ts';
import type { Acceptance, Examination, ExamineOptions } from '../engine/examine.ts';
import { parseTarget, type Target } from '../engine/paths.ts';
import { badChart } from '../helm/chart.ts';
import { loadChart } from '../helm/load-chart.ts';
import { helmDriver } from '../helm/records.ts';
import { helmFor } from '../helm/run.ts';
import { clusterName } from '../report/plan.ts';
import { checkOf, SYSTEMS } from '../systems/index.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { intentOf } from './intent.ts';

export async function examineOptions(call: Call, only: { systems?: SystemId[]; checks?: string[] }): Promise<ExamineOptions> {
  const { to, accept, namespace } = call.flags;
  const targets = (to ?? []).map((text) => parseTarget(text, SYSTEMS, only.systems?.[0]));
  const chart = call.flags.chart === undefined ? undefined : await loadChart(call.flags.chart);
  const templates = call.flags.chart === undefined ? undefined : await templatesOf(call, call.flags.chart);
  return {
    ...only,
    targets: chart ? withChart(targets, chart, call.flags.chart!) : targets,
    chart,
    intent: await intentOf(call.flags, templates?.version),
    templates,
    helmDriver: helmDriver(call.env.HELM_DRIVER),
    accept: (accept ?? []).map(acceptance),
    namespace: call.flags['all-namespaces'] ? undefined : namespace,
    began: (what) => call.begins({ en: `Checking ${what}...`, zh: `正在检查 ${what}……` }),
  };
}

/**
 * What was asked for by name and is installed nowhere is an error, as in kubectl; the results that there are have been shown. `exit`: of those results, where they
 * say something worse. Throws UserError.
 */
export function assertInstalled({ systems = [], checks = [] }: ExamineOptions, looked: readonly Examination[], exit: number): void {
  const named = SYSTEMS.filter(({ id }) => systems.includes(id) || checks.some((check) => check.startsWith(`${id}/`)));
  const missing = looked.length ? named.filter(({ id }) => looked.every(({ absent }) => absent.includes(id))) : [];
  if (!missing.length) return;
  const where = looked.map(({ identity }) => clusterName(identity)).join(', ');
  const ids = missing.map(({ id }) => id);
  const signs = (language: 'en' | 'zh') => missing.map((system) => system.signs[language]).join({ en: '; ', zh: '；' }[language]);
  throw new UserError(
    {
      en: `${ids.join(', ')} not installed in ${where} (looked for: ${signs('en')})`,
      zh: `${where} 中未安装 ${ids.join('、')}（查找依据：${signs('zh')}）`,
    },
    {
      en: 'is this the right cluster (--context)? To check everything installed: {tool} check{reach}',
      zh: '请确认集群是否正确（--context）；检查已安装的全部系统：{tool} check{reach}',
    },
    exit === EXIT.findings ? exit : EXIT.failed,
  );
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
  const check = checkOf(id).id;
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
