// The part of an upgrade that a system installed by a chart has besides: the chart (fetched where that was asked for), its release, and what helm will be given.
import path from 'node:path';
import { type HelmMeant, intentWith } from '../chart/intended.ts';
import { type Explicit, type HelmUpgrade, helmUpgrade } from '../chart/intent.ts';
import {
  type HelmRelease,
  type Installation,
  type Raw,
  type Source,
  type System,
  type Text,
  type ValueSetting,
  WorldError,
} from '../engine/contracts.ts';
import type { CheckRemedy, Examination } from '../engine/examine.ts';
import { orTrouble } from '../engine/performing.ts';
import type { Intent } from '../helm/contracts.ts';
import { fetchedChart } from '../helm/fetch.ts';
import { valueAt, written } from '../helm/keys.ts';
import type { Release } from '../helm/release.ts';
import { standing } from '../helm/world.ts';
import { assertOwnFolder, chartsFolder, stateFolder } from '../journal/state-folder.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import { helmOf } from './helm.ts';

/** Fetched by helm where that was asked for: with --repo, or from a registry (--chart oci://…). */
export async function withFetchedChart(call: Call, { id, chart: its = id }: System): Promise<Call> {
  const { chart, repo, to } = call.flags;
  const fromRegistry = chart?.startsWith('oci://');
  if (!repo && !fromRegistry) return call;
  const version = to?.at(-1)?.split('=').at(-1);
  if (version === undefined) {
    throw new UserError(
      { en: 'cannot download the chart: no version specified', zh: '无法下载 chart：没有指定版本' },
      { en: `for example: --to ${id}=VERSION`, zh: `例如：--to ${id}=VERSION` },
    );
  }
  await assertOwnFolder(stateFolder(call.env));
  return {
    ...call,
    flags: { ...call.flags, chart: await fetchedChart(await helmOf(call), chart ?? its, version, repo, chartsFolder(call.env)) },
  };
}

/** What helm will be told, as the stages take it (`upgrade`), and the values that it is given (`given`), which are neither printed nor stored. Throws UserError. */
export async function helmIntended(
  call: Call,
  installation: Installation,
  system: System,
  {
    meant: { chart, intent: asked, mirror, templates },
    source,
    run,
    remedies,
  }: { meant: HelmMeant; source: Source; run: string; remedies: readonly CheckRemedy[] },
): Promise<{ upgrade: HelmUpgrade; given: Raw }> {
  const release = releaseOf(installation);
  const intent = intentWith(asked, system, mirror);
  const stands = await standingOf(release, source);
  return helmUpgrade({
    ...{ release, chart: chart!, path: path.resolve(call.flags.chart!), stands, intent, helm: templates?.version, run },
    explicit: await explicitOf(remedies, installation, intent),
  });
}

/** Values that remedies of this installation ask for; one that was given otherwise stays as it was given. */
async function explicitOf(remedies: readonly CheckRemedy[], { id }: Installation, intent?: Intent): Promise<Explicit> {
  const asked = new Map<string, ValueSetting>();
  const fixes: string[] = [];
  for (const { findings, propose } of remedies.filter((each) => each.installation === id)) {
    const fixed = await Promise.all(
      findings.map(async (finding) => {
        const values = (await propose([finding])).drafts.flatMap((draft) => draft.helmValues ?? []);
        const free = values.filter((each) => pathsOf(each).every((at) => valueAt(intent?.given ?? {}, at) === undefined));
        for (const value of free) asked.set(written(value.path), value);
        return values.length > 0 && free.length === values.length ? [finding.fingerprint] : [];
      }),
    );
    fixes.push(...fixed.flat());
  }
  return { values: [...asked.values()], fixes };
}

const pathsOf = (setting: ValueSetting) =>
  'movedFrom' in setting ? [setting.movedFrom, setting.path, ...(setting.also ?? [])] : [setting.path];

export const noChart = ({ id }: System): UserError =>
  new UserError(
    { en: `upgrading ${id}: no chart specified`, zh: `升级 ${id}：没有指定 chart` },
    {
      en: 'pass --chart PATH (helm pull saves one), or download it with --repo URL --to VERSION',
      zh: '请用 --chart PATH 指定（可用 helm pull 下载），或由 helm 下载：--repo URL --to VERSION',
    },
  );

/** Blockers that no remedy is offered for, or that name another target, with or without a chart: such a target is better known before its chart is looked for. */
export function yourChoice({ id }: System, { results }: Examination): UserError | undefined {
  const stopping = results.flatMap(({ id: check, findings }) =>
    findings
      .filter(({ severity, accepted, remedy, target }) => severity === 'blocker' && !accepted && (remedy === null || target !== undefined))
      .map(({ message }) => ({ check, message })),
  );
  if (!stopping.length) return undefined;
  const said = (language: 'en' | 'zh') => stopping.map(({ message }) => message[language]).join({ en: '; ', zh: '；' }[language]);
  const accept = [...new Set(stopping.map(({ check }) => `--accept ${check}`))].join(' ');
  return new UserError(
    { en: `upgrading ${id}: ${said('en')}`, zh: `升级 ${id}：${said('zh')}` },
    {
      en: `choose another target, or accept it (${accept}); in both cases also pass a chart: --chart PATH, or --repo URL --to VERSION`,
      zh: `请选择其他目标版本，或接受该问题（${accept}）；两种情况都需要指定 chart：--chart PATH，或 --repo URL --to VERSION`,
    },
    EXIT.findings,
  );
}

function releaseOf({ id, release }: Installation): HelmRelease {
  if (release) return release;
  throw new UserError(
    { en: `upgrading ${id}: Helm release not found`, zh: `升级 ${id}：找不到其 Helm release` },
    {
      en: 'upgrade needs an installation made with Helm; HELM_DRIVER=sql is not supported (its records are outside the cluster)',
      zh: '只能升级由 Helm 安装的系统；不支持 HELM_DRIVER=sql（其记录保存在集群之外）',
    },
  );
}

/** From where helm will go on: a pending newest revision is out of the way by then. */
async function standingOf(release: HelmRelease, source: Source): Promise<Release> {
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

const ONLY_PENDING: Text = { en: 'it has no revision but a pending one', zh: '除 pending 状态外没有其他修订版本' };
