// upgrade: check, repair, keep the values, let helm upgrade, wait, check again, compare; and what to do if not.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { compare, sideOf } from '../../engine/compare.ts';
import { begin, newRunId } from '../../engine/conduct.ts';
import type { HelmRelease, Installation, JudgedFinding, Raw, Run, System, Text } from '../../engine/contracts.ts';
import { type Examination, type ExamineOptions, examine } from '../../engine/examine.ts';
import { isGap } from '../../engine/gaps.ts';
import type { Plan } from '../../engine/plan.ts';
import { isComplete } from '../../engine/verdict.ts';
import { decodeRelease } from '../../helm/release.ts';
import { digestOf } from '../../helm/world.ts';
import { isRaw } from '../../kube/json.ts';
import { comparison } from '../../report/comparison.ts';
import { planView, question } from '../../report/plan.ts';
import { table } from '../../report/table.ts';
import { SYSTEMS, TITLES } from '../../systems/index.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import { examineOptions } from '../asked.ts';
import { attended, ended, lookedAgain } from '../attend.ts';
import type { Call } from '../call.ts';
import { withHelm } from '../helm.ts';
import { refuseBeside } from '../own-runs.ts';
import { planAll, planChosen } from '../repair.ts';
import { type Live, openCluster } from '../session.ts';

export async function upgrade(call: Call): Promise<number> {
  const system = systemOf(call);
  const options = await examineOptions(withBareTarget(call, system), { systems: [system.id] });
  const { chart } = options;
  if (!chart) throw new UserError(noChart(system), GIVE_A_CHART);
  const live = await openCluster(call);
  try {
    const before = await examine(live.source, SYSTEMS, options);
    call.say(...table(before, SYSTEMS, TITLES, call.face), '');
    const installation = onlyOne(before.installations, system);
    const release = releaseOf(installation);
    const values = await valuesOf(release, live);
    const world = await withHelm(call, live, values);
    const id = newRunId(new Date(), randomBytes(4).toString('hex'));
    const drafts = await system.upgrade!({
      source: live.source,
      from: installation.version,
      release,
      chart: { path: path.resolve(call.flags.chart!), name: chart.name, version: chart.version },
      values: laidOver(chart.values, values),
      kept: {
        on: { apiVersion: 'v1', kind: 'Secret', namespace: release.namespace, name: `upgrade-guard-${id}` },
        digest: digestOf(values),
      },
    });
    const dry = call.flags['dry-run'] === 'client';
    const plan = await (dry ? planAll(before.remedies, drafts) : planChosen(before.remedies, call, drafts));
    call.say(...planView(plan, call.face), '');
    const stopping = unrepaired(before, plan);
    if (stopping.length) return refused(call, stopping);
    if (dry) return EXIT.ok;
    if (!call.flags['take-over']) await refuseBeside(live.store);
    if (!call.flags.yes && !(await call.confirm(question(plan.steps, live.identity)))) {
      call.say(call.t({ en: 'Nothing was changed.', zh: '未做任何更改。' }));
      return EXIT.interrupted;
    }
    return await carryOut(call, { ...live, world }, { id, before, plan, options });
  } finally {
    live.close();
  }
}

// ---- what is upgraded, to what, with which values -------------------------------------------------------------------

function systemOf({ args: [name] }: Call): System {
  const system = SYSTEMS.find(({ id }) => id === name);
  if (system?.upgrade) return system;
  const able = SYSTEMS.flatMap(({ id, upgrade: can }) => (can ? [id] : [])).join(', ');
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

const noChart = ({ id }: System): Text => ({ en: `upgrading ${id}: no chart was given`, zh: `升级 ${id}：没有提供 chart` });
const GIVE_A_CHART: Text = {
  en: 'nothing is downloaded unasked: helm pull REPO/CHART --version VERSION, then --chart FILE.tgz',
  zh: '未经要求不会下载任何内容：请先 helm pull REPO/CHART --version VERSION，再用 --chart FILE.tgz 指定',
};

function onlyOne(installations: readonly Installation[], { id }: System): Installation {
  const [one, ...more] = installations;
  if (!one) throw new UserError({ en: `upgrading ${id}: it is not installed here`, zh: `升级 ${id}：此集群中没有安装` });
  if (!more.length) return one;
  const ids = installations.map((each) => each.id).join(', ');
  throw new UserError(
    { en: `upgrading ${id}: there are several: ${ids}`, zh: `升级 ${id}：有多个安装：${ids}` },
    { en: 'choose one by its namespace: -n NAMESPACE', zh: '请用 -n NAMESPACE 按命名空间选择' },
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

/** What the user set, by the newest record. */
async function valuesOf({ namespace, name, revision, kind }: HelmRelease & { kind?: string }, { source }: Live): Promise<Raw> {
  const on = { apiVersion: 'v1', kind: kind ?? 'Secret', namespace, name: `sh.helm.release.v1.${name}.v${revision}` };
  const record = await source.get(on);
  const release = record && !isGap(record) ? decodeRelease(record) : { why: isGap(record) ? record.detail : 'there is no such record' };
  if (!('why' in release)) return release.config;
  throw new UserError(
    {
      en: `reading the values of release ${namespace}/${name}, revision ${revision}: ${release.why}`,
      zh: `读取 release ${namespace}/${name} 修订版 ${revision} 的 values：${release.why}`,
    },
    { en: `see helm get values ${name} -n ${namespace}`, zh: `请查看 helm get values ${name} -n ${namespace}` },
  );
}

/** helm's own rule for maps: merged; anything else: replaced; null takes away. */
function laidOver(under: Raw, over: Raw): Raw {
  const merged: Raw = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isRaw(old) && isRaw(value) ? laidOver(old, value) : value;
  }
  return merged;
}

// ---- whether it may begin -------------------------------------------------------------------------------------------

/** Blockers that no automatic step repairs. */
function unrepaired({ results }: Examination, { steps }: Plan): JudgedFinding[] {
  const repaired = new Set(steps.flatMap((step) => (step.do === 'manual' ? [] : step.reasons)));
  return results
    .flatMap(({ findings }) => findings)
    .filter(({ grade, accepted, fingerprint }) => grade === 'blocker' && !accepted && !repaired.has(fingerprint));
}

function refused(call: Call, stopping: JudgedFinding[]): number {
  call.say(
    call.t({
      en: `Not upgraded: ${stopping.length} blockers that no step here repairs. Repair them, or accept a check by name: --accept CHECK-ID`,
      zh: `未升级：有 ${stopping.length} 个阻断问题无法由以上步骤修复。请先修复，或按名称接受：--accept CHECK-ID`,
    }),
    ...stopping.map(({ message }) => `  ${call.t(message)}`),
  );
  return EXIT.findings;
}

// ---- doing it -------------------------------------------------------------------------------------------------------

interface Upgrade {
  id: string;
  before: Examination;
  plan: Plan;
  options: ExamineOptions;
}

async function carryOut(call: Call, live: Live, { id, before, plan, options }: Upgrade): Promise<number> {
  const run: Run = {
    schema: 1,
    id,
    tool: `upgrade-guard ${call.version}`,
    what: ['upgrade', ...call.args].join(' '),
    at: new Date().toISOString(),
    checks: before.results.map((result) => result.id),
    targets: before.paths.flatMap(({ installation: { system, id: at }, to }) =>
      to ? [{ system, installation: at.slice(system.length + 1), version: to }] : [],
    ),
    steps: plan.steps,
    cluster: live.identity,
    as: live.as,
  };
  const executed = await begin(run, attended(call, live, run));
  const exit = ended(call, run, 'do', executed);
  if (executed.state !== 'finished') return exit;
  const after = await examine(live.source, SYSTEMS, options);
  call.out(...comparison(compare(sideOf(before.results), sideOf(after.results)), call.face));
  const remaining = after.results.flatMap(({ findings }) => findings).filter(({ grade, accepted }) => grade === 'blocker' && !accepted);
  lookedAgain(call, run, executed, remaining.length);
  if (remaining.length) return EXIT.findings;
  return isComplete(after.results) ? exit : EXIT.unknown;
}
