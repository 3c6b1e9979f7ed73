// An upgrade before it begins, for plan and upgrade alike: which system and installation, to which version, and the steps that the system makes of them.
import { duration } from '../cluster/duration.ts';
import { objectName } from '../engine/acceptance.ts';
import type { Installation, JudgedFinding, Raw, Source, Step, StepDraft, System, Text, UpgradePath } from '../engine/contracts.ts';
import { type CheckRemedy, type Examination, type ExamineOptions, examine } from '../engine/examine.ts';
import { fixedBy } from '../engine/fixed-by.ts';
import { describeGap, isGap, readable } from '../engine/gaps.ts';
import type { Target } from '../engine/paths.ts';
import { type Plan, stepsOf } from '../engine/plan.ts';
import { counted } from '../report/face.ts';
import { type Stopping, saidOf } from '../report/planned.ts';
import { table } from '../report/table.ts';
import type { Fix } from '../report/view.ts';
import { HEADLINES, SYSTEMS } from '../systems/index.ts';
import { installationName } from '../text/installation-name.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import { assertInstalled, examineOptions } from './asked.ts';
import type { Call } from './call.ts';
import { helmIntended, noChart, withFetchedChart, yourChoice } from './chart-upgrade.ts';
import { controllerManifest } from './controller-manifest.ts';
import { type FlagName, INTENT } from './flags.ts';
import { isConfident, type Stages } from './repair.ts';

export interface Intended {
  before: Examination;
  options: ExamineOptions;
  /** What the release will be given, of a system that is installed by a chart. Never printed, never stored here. */
  values?: Raw;
  /** The upgrade itself, around the repairs. */
  stages: Stages;
}

const numberOf = (value: string | undefined): number | undefined => (value === undefined ? undefined : Number(value));

/** Looks and changes nothing. `run`: the id that the run would have. Throws UserError for what cannot be upgraded at all. */
export async function intended(given: Call, source: Source, run: string): Promise<Intended> {
  const system = systemOf(given);
  const bare = withBareTarget(given, system);
  assertTakes(bare, system);
  const call = system.chart ? await withFetchedChart(bare, system) : bare;
  const told = await examineOptions(call, { systems: [system.id] });
  // As its stages are made: what a drain would stop at is found before the first step.
  const asked = { ...told, nodes: told.nodes ?? (system.byNode ? ('drain' as const) : undefined) };
  const options = { ...asked, only: selected(call.args[1], asked.targets ?? []) };
  if (system.chart && !options.meant.chart && !options.targets?.length) throw noChart(system);
  const before = await examine(source, SYSTEMS, options);
  assertInstalled(call, options, [before], EXIT.failed);
  if (!before.installations.length) throw notSeen(system, before);
  const installation = theOne(before.installations, system, call.args[1]);
  if (system.chart && !options.meant.chart) {
    call.say(...table(before, SYSTEMS, HEADLINES, call.face), '');
    throw yourChoice(system, before) ?? noChart(system);
  }
  const path = before.paths.find((each) => each.installation === installation)!;
  if (!system.chart) assertKnown(path);
  const helm = system.chart
    ? await helmIntended(call, installation, system, { meant: options.meant, source, run, remedies: before.remedies })
    : undefined;
  const drafts = await system.stages!({
    path,
    source,
    intended: helm?.upgrade,
    nodes: call.flags.nodes,
    context: before.identity.context,
    stopController: call.flags['stop-controller-manager'],
    logVerbosity: numberOf(call.flags['log-verbosity']),
    kubeletLogVerbosity: numberOf(call.flags['kubelet-log-verbosity']),
    found: before.results.map(({ id, findings }) => ({ check: id, findings })),
    confirmed: call.flags.confirm,
    cordonAgain: call.flags['cordon-again'],
    pullImages: !call.flags['no-pull-images'],
    controller: call.flags.controller && (await controllerManifest(call.flags.controller)),
    within: call.flags.timeout === undefined ? undefined : Math.ceil(duration(call.flags.timeout, '--timeout') / 1000),
  });
  return { before, options, values: helm?.given, stages: { system: system.id, drafts } };
}

/** Of an upgrade without steps, as kubeadm says it: no error. Repairs are those of an upgrade, and fix has them. */
export function nothingNewer(call: Call, { before: { paths }, stages: { system, drafts } }: Intended): string | undefined {
  if (drafts.length) return undefined;
  const path = paths.find(({ installation }) => installation.system === system);
  if (!path || isGap(path.from)) return undefined;
  const { installation, from, chosen } = path;
  const open = chosen === 'default';
  return call.t({
    en: `Nothing to upgrade: ${installationName(installation.id)} is at ${from}${open ? `, and no newer version is known; to set one: --to ${system}=VERSION` : ''}`,
    zh: `无需升级：${installationName(installation.id)} 已是 ${from}${open ? `，没有已知的更新版本；可用 --to ${system}=VERSION 指定` : ''}`,
  });
}

/** Checks whose findings the steps of the upgrade itself are for: they do not stop it. */
export function solvedBy({ results }: Examination, { drafts }: Stages): Fix[] {
  const solved = new Set(drafts.flatMap(({ steps }) => steps.flatMap(({ fixes = [] }) => fixes)));
  return results
    .filter(({ findings }) => findings.some(isOpen) && findings.filter(isOpen).every(({ fingerprint }) => solved.has(fingerprint)))
    .map(({ id, installation }) => ({ id, installation, text: BY_STEPS }));
}
const BY_STEPS: Text = { en: 'the steps below; this does not stop the upgrade', zh: '由下列步骤完成，不会阻止本次升级' };

const isOpen = ({ severity, accepted }: JudgedFinding): boolean => severity === 'blocker' && !accepted;
/** What stands beside the plan an upgrade does itself. */
const counts = (draft: StepDraft): boolean => draft.do !== 'manual' && draft.when !== 'instead';
const isAutomatic = ({ do: doing }: Step): boolean => doing !== 'manual';

/** Blockers that no automatic step fixes, neither by a remedy nor on the way of the upgrade itself; each finding by itself. */
export async function unrepaired({ results, remedies }: Examination, plan: Plan): Promise<Stopping[]> {
  const fixed = await fixedBy(stepsOf(plan).filter(isAutomatic), { remedies, among: isOpen, counts });
  const all = results.flatMap(({ id, findings }) => findings.filter(isOpen).map((finding) => ({ check: id, finding })));
  const left: Omit<Stopping, 'accept'>[] = [];
  for (const { check, finding } of all.filter((each) => !fixed.has(each.finding.fingerprint)))
    left.push({ check, finding, confirm: await confirmed(finding, remedies) });
  // Who accepts the whole check goes without the fix of its other findings.
  const isShared = (check: string) =>
    all.filter((each) => each.check === check).length > left.filter((each) => each.check === check && !each.confirm).length;
  const accept = ({ check, finding: { objects } }: Omit<Stopping, 'accept'>) =>
    isShared(check) && objects.length && objects.length <= NAMED ? objects.map((on) => `${check}:${objectName(on)}`) : [check];
  return left.map((each) => ({ ...each, accept: accept(each) }));
}
const NAMED = 5;

/** What --confirm has to name so that upgrade fixes it; undefined: it does not, or without being asked. */
async function confirmed(finding: JudgedFinding, remedies: readonly CheckRemedy[]): Promise<string | undefined> {
  const remedy = remedies.find(({ findings }) => findings.some(({ fingerprint }) => fingerprint === finding.fingerprint));
  if (!remedy || isConfident(finding) || !finding.objects[0]) return undefined;
  return (await remedy.propose([finding])).drafts.some(counts) ? objectName(finding.objects[0]) : undefined;
}

/** Behind a plan of everything: the blockers that upgrade fixes only where a person says so. */
export function asksFirst(call: Pick<Call, 't' | 'flags'>, { results }: Examination, plan: Plan, stopping: readonly Stopping[]): string[] {
  const reasons = new Set(
    stepsOf(plan)
      .filter(isAutomatic)
      .flatMap((step) => step.reasons),
  );
  for (const { finding } of stopping) reasons.delete(finding.fingerprint);
  const isNamed = ({ objects }: JudgedFinding) => objects.some((on) => call.flags.confirm?.includes(objectName(on)));
  const doubtful = results
    .flatMap(({ findings }) => findings)
    .filter((finding) => isOpen(finding) && !isConfident(finding) && !isNamed(finding) && reasons.has(finding.fingerprint));
  const names = confirms(doubtful.flatMap(({ objects: [on] }) => (on ? objectName(on) : [])));
  if (!names) return [];
  return [
    call.t({
      en: `upgrade asks before it fixes ${counted(doubtful.length, 'blocker', '').en}; with --yes name ${doubtful.length === 1 ? 'it' : 'them'}: ${names}`,
      zh: `upgrade 在修复 ${doubtful.length} 个阻断项之前会询问；使用 --yes 时请指明：${names}`,
    }),
  ];
}
const confirms = (names: readonly string[]): string => names.map((name) => `--confirm ${shellWord(name)}`).join(' ');

/** What to say where it cannot begin. */
export function refusal(call: Pick<Call, 't'>, stopping: readonly Stopping[], lead: Text): string[] {
  const lines = (of: readonly Stopping[]) => of.map((each) => `  ${oneLine(call.t(saidOf(each)), 1000)}`);
  const [open, doubtful] = [stopping.filter(({ confirm }) => !confirm), stopping.filter(({ confirm }) => confirm)];
  const [accept, names] = [
    [...new Set(open.flatMap((each) => each.accept.map((what) => `--accept ${shellWord(what)}`)))].join(' '),
    confirms(doubtful.flatMap(({ confirm }) => confirm ?? [])),
  ];
  const cannot: Text = {
    en: `${lead.en}: ${counted(open.length, 'blocker', '').en} that upgrade-guard cannot fix. Fix ${open.length === 1 ? 'it' : 'them'}, or accept the check: ${accept}`,
    zh: `${lead.zh}：upgrade-guard 无法修复 ${open.length} 个阻断项。请先修复，或接受该检查：${accept}`,
  };
  const asked = counted(doubtful.length, 'blocker', '').en;
  const fixes = open.length ? { en: asked, zh: '' } : { en: `${lead.en}: ${asked}`, zh: `${lead.zh}：` };
  const unconfirmed: Text = {
    en: `${fixes.en} that upgrade fixes only if confirmed: ${names}`,
    zh: `${fixes.zh}${open.length ? '另有 ' : ''}${doubtful.length} 个阻断项需确认后才由 upgrade 修复：${names}`,
  };
  return [...(open.length ? [call.t(cannot), ...lines(open)] : []), ...(doubtful.length ? [call.t(unconfirmed), ...lines(doubtful)] : [])];
}

// ---- what is upgraded, to what, with which values -------------------------------------------------------------------

function systemOf({ args: [name] }: Call): System {
  const system = SYSTEMS.find(({ id }) => id === name);
  if (system?.stages) return system;
  const able = SYSTEMS.filter(({ stages }) => stages);
  const ids = able.map(({ id }) => id);
  const { id, chart, knownUpTo } = able[0]!;
  const words = `${id} ${chart ? '--chart PATH' : `--to ${knownUpTo}`}`;
  throw new UserError(
    {
      en: `upgrading ${name} is not supported; supported: ${ids.join(', ')}`,
      zh: `不支持升级 ${name}；支持：${ids.join('、')}`,
    },
    { en: `for example: {tool} upgrade ${words}`, zh: `例如：{tool} upgrade ${words}` },
  );
}

/** Flags for what helm upgrades; of the others every step is waited for, which has no place in memory. */
const FOR_HELM: readonly FlagName[] = [...INTENT, 'repo', 'rehearse'];

function assertTakes({ flags }: Call, { id, chart, byNode, uncordons, installsController, pullsImages, mirrored }: System): void {
  const foreign: FlagName[] = [
    ...(chart ? [] : FOR_HELM),
    ...(byNode ? [] : (['nodes', 'stop-controller-manager', 'log-verbosity', 'kubelet-log-verbosity'] as const)),
    ...(uncordons ? [] : (['cordon-again'] as const)),
    ...(installsController ? [] : (['controller'] as const)),
    ...(pullsImages ? [] : (['no-pull-images'] as const)),
    ...(mirrored || !chart ? [] : (['mirror'] as const)),
  ];
  const given = foreign.filter((name) => flags[name] !== undefined);
  if (!given.length) return;
  const names = given.map((name) => `--${name}`);
  throw new UserError(
    {
      en: `upgrading ${id}: it does not take ${names.join(', ')}`,
      zh: `升级 ${id}：不接受 ${names.join('、')}`,
    },
    // Who asked for a rehearsal is not sent to the upgrade itself.
    given.includes('rehearse')
      ? {
          en: `--rehearse is for Helm releases; to list the steps of ${id}: {retry:${given.join(',')},yes,dry-run} --dry-run=client`,
          zh: `--rehearse 只用于 Helm release；查看 ${id} 的步骤：{retry:${given.join(',')},yes,dry-run} --dry-run=client`,
        }
      : { en: `without: {retry:${given.join(',')}}`, zh: `去掉后执行：{retry:${given.join(',')}}` },
  );
}

/** Without a chart the stages follow from the two versions alone. */
function assertKnown({ installation, from, to }: UpgradePath): void {
  const { system } = installation;
  const id = installationName(installation.id);
  if (isGap(from)) {
    const why = from.verb === 'decode' ? { en: from.detail ?? '', zh: from.detailZh ?? from.detail ?? '' } : describeGap(from);
    throw new UserError(
      { en: `upgrading ${id}: the installed version is unknown: ${why.en}`, zh: `升级 ${id}：当前版本未知：${why.zh}` },
      readable(from),
      EXIT.unknown,
    );
  }
  if (to !== undefined) return;
  throw new UserError(
    { en: `upgrading ${id}: no version newer than ${from} known`, zh: `升级 ${id}：没有已知的、比 ${from} 新的版本` },
    { en: `name one: --to ${system}=VERSION (replace VERSION)`, zh: `请指定版本：--to ${system}=VERSION（替换 VERSION）` },
  );
}

/** `--to 0.9.13`: there is only one system here. */
const withBareTarget = (call: Call, { id }: System): Call => ({
  ...call,
  flags: { ...call.flags, to: call.flags.to?.map((text) => (text.includes('=') ? text : `${id}=${text}`)) },
});

/** By the name of its release, or as --to names it; another mesh beside it is neither judged nor repaired. */
function selected(release: string | undefined, targets: readonly Target[]): ExamineOptions['only'] {
  const named = targets.find(({ installation }) => installation)?.installation;
  if (release === undefined && named === undefined) return undefined;
  return ({ namespace, name }) => (release === undefined ? `${namespace}/${name}` === named : name === release);
}

/** `release`: its name, if it was given. */
function theOne(installations: readonly Installation[], { id }: System, release: string | undefined): Installation {
  const [one, ...more] = release === undefined ? installations : installations.filter(({ name }) => name === release);
  if (!one) throw noSuchRelease(id, release ?? '', installations);
  if (!more.length) return one;
  const ids = installations.map((each) => each.id);
  throw new UserError(
    { en: `upgrading ${id}: several installations: ${ids.join(', ')}`, zh: `升级 ${id}：有多个安装实例：${ids.join('、')}` },
    {
      en: 'select one by namespace (-n NAMESPACE) or by release name',
      zh: '请用 -n NAMESPACE 按命名空间选择，或写明 release 名称',
    },
  );
}

/** Who may not look does not know that there is none. */
function notSeen({ id }: System, { results }: Examination): UserError {
  const gap = results.flatMap(({ gaps }) => gaps)[0];
  const why = gap ? describeGap(gap) : { en: 'not checked', zh: '未检查' };
  return new UserError(
    { en: `upgrading ${id}: cannot determine whether it is installed: ${why.en}`, zh: `升级 ${id}：无法确定是否已安装：${why.zh}` },
    gap
      ? readable(gap)
      : { en: 'required permissions: {tool} rbac --for upgrade{reach}', zh: '所需权限：{tool} rbac --for upgrade{reach}' },
    EXIT.unknown,
  );
}

function noSuchRelease(system: string, release: string, installations: readonly Installation[]): UserError {
  const names = installations.map(({ namespace, name }) => `${namespace}/${name}`);
  return new UserError(
    {
      en: `upgrading ${system}: release ${oneLine(release, 80)} not found`,
      zh: `升级 ${system}：没有名为 ${oneLine(release, 80)} 的 release`,
    },
    { en: `existing: ${names.join(', ')}`, zh: `现有：${names.join('、')}` },
  );
}
