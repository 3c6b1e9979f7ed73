// An upgrade before it begins, for plan and upgrade alike: which system, chart and release, with which values, and the steps that the system makes of them.
import path from 'node:path';
import { helmUpgrade } from '../chart/intent.ts';
import { duration } from '../cluster/duration.ts';
import {
  type HelmRelease,
  type Installation,
  type JudgedFinding,
  type Raw,
  type System,
  type Text,
  WorldError,
} from '../engine/contracts.ts';
import { type Examination, type ExamineOptions, examine } from '../engine/examine.ts';
import { orTrouble } from '../engine/perform.ts';
import { type Plan, stepsOf } from '../engine/plan.ts';
import { fetchedChart } from '../helm/fetch.ts';
import type { Release } from '../helm/release.ts';
import { standing } from '../helm/world.ts';
import { chartsFolder } from '../journal/state-folder.ts';
import { table } from '../report/table.ts';
import { HEADLINES, SYSTEMS } from '../systems/index.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import { assertInstalled, examineOptions } from './asked.ts';
import type { Call } from './call.ts';
import { helmOf } from './helm.ts';
import type { Stages } from './repair.ts';
import type { Live } from './session.ts';

export interface Intended {
  before: Examination;
  options: ExamineOptions;
  /** What the release will be given. Never printed, never stored here. */
  values: Raw;
  /** The upgrade itself, around the repairs. */
  stages: Stages;
}

/** Looks and changes nothing. `run`: the id that the run would have. Throws UserError for what cannot be upgraded at all. */
export async function intended(asked: Call, live: Live, run: string): Promise<Intended> {
  const system = systemOf(asked);
  const call = await withChart(withBareTarget(asked, system), system);
  const options = await examineOptions(call, { systems: [system.id] });
  const { chart } = options;
  if (!chart && !options.targets?.length) throw noChart(system);
  const before = await examine(live.source, SYSTEMS, options);
  assertInstalled(options, [before], EXIT.failed);
  if (!before.installations.length) throw notSeen(system, before);
  const installation = theOne(before.installations, system, call.args[1]);
  if (!chart) {
    call.say(...table(before, SYSTEMS, HEADLINES, call.face), '');
    throw yourChoice(system, before) ?? noChart(system);
  }
  const release = releaseOf(installation);
  const stands = await standingOf(release, live);
  const { intent, templates } = options;
  const { upgrade, given } = helmUpgrade({
    ...{ release, chart, path: path.resolve(call.flags.chart!), stands, intent, helm: templates?.version, run },
  });
  const drafts = await system.stages!({
    path: before.paths.find((each) => each.installation === installation)!,
    source: live.source,
    intended: upgrade,
    within: call.flags.timeout === undefined ? undefined : Math.ceil(duration(call.flags.timeout, '--timeout') / 1000),
  });
  return { before, options, values: given, stages: { system: system.id, drafts } };
}

/** Blockers that no automatic step fixes, neither by a remedy nor on the way of the upgrade itself. */
export function unrepaired({ results }: Examination, plan: Plan): JudgedFinding[] {
  const automatic = stepsOf(plan).filter((step) => step.do !== 'manual');
  const repaired = new Set(automatic.flatMap(({ reasons }) => reasons));
  const onTheWay = new Set(automatic.flatMap(({ fixes = [] }) => fixes));
  return results
    .flatMap(({ id, findings }) => (onTheWay.has(id) ? [] : findings))
    .filter(({ severity, accepted, fingerprint }) => severity === 'blocker' && !accepted && !repaired.has(fingerprint));
}

/** What to say where it may not begin. */
export const refusal = (call: Call, stopping: readonly JudgedFinding[]): string[] => [
  call.t({
    en: `No upgrade begins: ${stopping.length === 1 ? 'a blocker' : `${stopping.length} blockers`} that no step here repairs. Repair it, or accept the check by name: --accept CHECK-ID`,
    zh: `升级不会开始：有 ${stopping.length} 个阻断项无法由以上步骤修复。请先修复，或按名称接受该检查：--accept CHECK-ID`,
  }),
  ...stopping.map(({ message }) => `  ${oneLine(call.t(message), 1000)}`),
];

// ---- what is upgraded, to what, with which values -------------------------------------------------------------------

function systemOf({ args: [name] }: Call): System {
  const system = SYSTEMS.find(({ id }) => id === name);
  if (system?.stages) return system;
  const able = SYSTEMS.flatMap(({ id, stages }) => (stages ? [id] : [])).join(', ');
  throw new UserError(
    { en: `upgrading ${name}: this build upgrades ${able}`, zh: `升级 ${name}：此版本支持升级 ${able}` },
    { en: `for example: {tool} upgrade ${able} --chart PATH`, zh: `例如：{tool} upgrade ${able} --chart PATH` },
  );
}

/** `--to 0.9.13`: there is only one system here. */
const withBareTarget = (call: Call, { id }: System): Call => ({
  ...call,
  flags: { ...call.flags, to: call.flags.to?.map((text) => (text.includes('=') ? text : `${id}=${text}`)) },
});

/** Fetched by helm where that was asked for: with --repo, or from a registry (--chart oci://…). */
async function withChart(call: Call, { id }: System): Promise<Call> {
  const { chart, repo, to } = call.flags;
  const fromRegistry = chart?.startsWith('oci://');
  if (!repo && !fromRegistry) return call;
  const version = to?.at(-1)?.split('=').at(-1);
  if (version === undefined) {
    throw new UserError(
      { en: 'fetching the chart: its version was not given', zh: '获取 chart：没有给出版本' },
      { en: `for example: --to ${id}=VERSION`, zh: `例如：--to ${id}=VERSION` },
    );
  }
  return {
    ...call,
    flags: { ...call.flags, chart: await fetchedChart(await helmOf(call), chart ?? id, version, repo, chartsFolder(call.env)) },
  };
}

const noChart = ({ id }: System): UserError =>
  new UserError(
    { en: `upgrading ${id}: no chart was given`, zh: `升级 ${id}：没有提供 chart` },
    {
      en: 'give --chart PATH (helm pull saves one), or have helm fetch it: --repo URL --to VERSION; nothing is downloaded unasked',
      zh: '请用 --chart PATH 指定（可由 helm pull 获得），或让 helm 获取：--repo URL --to VERSION；未经要求不会下载任何内容',
    },
  );

/** Blockers that no remedy is offered for, with or without a chart: such a target is better known before its chart is looked for. */
function yourChoice({ id }: System, { results }: Examination): UserError | undefined {
  const stopping = results.flatMap(({ id: check, findings }) =>
    findings
      .filter(({ severity, accepted, remedy }) => severity === 'blocker' && !accepted && remedy === null)
      .map(({ message }) => ({ check, message })),
  );
  if (!stopping.length) return undefined;
  const said = (language: 'en' | 'zh') => stopping.map(({ message }) => message[language]).join({ en: '; ', zh: '；' }[language]);
  const accept = [...new Set(stopping.map(({ check }) => `--accept ${check}`))].join(' ');
  return new UserError(
    { en: `upgrading ${id}: ${said('en')}`, zh: `升级 ${id}：${said('zh')}` },
    {
      en: `do as it says, or accept it by name (${accept}); either way give a chart as well: --chart PATH, or --repo URL --to VERSION`,
      zh: `请按提示处理，或按名称接受（${accept}）；两种情况都还需要提供 chart：--chart PATH，或 --repo URL --to VERSION`,
    },
    EXIT.findings,
  );
}

/** `release`: its name, if it was given. */
function theOne(installations: readonly Installation[], { id }: System, release: string | undefined): Installation {
  const [one, ...more] = release === undefined ? installations : installations.filter(({ name }) => name === release);
  if (!one) throw noSuchRelease(id, release ?? '', installations);
  if (!more.length) return one;
  const ids = installations.map((each) => each.id).join(', ');
  throw new UserError(
    { en: `upgrading ${id}: there are several: ${ids}`, zh: `升级 ${id}：有多个安装：${ids}` },
    {
      en: 'choose one by its namespace (-n NAMESPACE) or by the name of its release',
      zh: '请用 -n NAMESPACE 按命名空间选择，或写明 release 名称',
    },
  );
}

/** Who may not look does not know that there is none. */
function notSeen({ id }: System, { results }: Examination): UserError {
  const gap = results.flatMap(({ gaps }) => gaps)[0];
  const why = oneLine(gap?.detail ?? gap?.resource ?? '', 300);
  return new UserError(
    { en: `upgrading ${id}: whether it is installed could not be seen: ${why}`, zh: `升级 ${id}：无法得知是否已安装：${why}` },
    { en: 'the rights that are needed: {tool} rbac --for fix', zh: '所需权限：{tool} rbac --for fix' },
    EXIT.unknown,
  );
}

function noSuchRelease(system: string, release: string, installations: readonly Installation[]): UserError {
  const names = installations.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
  return new UserError(
    {
      en: `upgrading ${system}: there is no release ${oneLine(release, 80)}`,
      zh: `升级 ${system}：没有名为 ${oneLine(release, 80)} 的 release`,
    },
    { en: `there is ${names}`, zh: `现有：${names}` },
  );
}

function releaseOf({ id, release }: Installation): HelmRelease {
  if (release) return release;
  throw new UserError(
    { en: `upgrading ${id}: no Helm release of it can be seen`, zh: `升级 ${id}：看不到它的 Helm release` },
    {
      en: 'only what Helm installed is upgraded; with HELM_DRIVER=sql the records lie outside the cluster',
      zh: '只能升级由 Helm 安装的内容；使用 HELM_DRIVER=sql 时，记录保存在集群之外',
    },
  );
}

/** From where helm will go on: a pending newest revision is out of the way by then. */
async function standingOf(release: HelmRelease, { source }: Live): Promise<Release> {
  const at = `${release.namespace}/${release.name}`;
  const found = await orTrouble(standing(release, source));
  if (found && !(found instanceof WorldError)) return found;
  const why = found?.text ?? ONLY_PENDING;
  throw new UserError(
    {
      en: `reading the values of release ${at}: ${why.en}`,
      zh: `读取 release ${at} 的 values：${why.zh}`,
    },
    {
      en: `see: helm history ${shellWord(release.name)} -n ${shellWord(release.namespace)}`,
      zh: `请查看：helm history ${shellWord(release.name)} -n ${shellWord(release.namespace)}`,
    },
  );
}

const ONLY_PENDING: Text = { en: 'it has no revision but a pending one', zh: '除 pending 状态外没有其他修订版' };
