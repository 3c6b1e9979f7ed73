// The upgrade of a Helm release as stages, for any system that is installed by a chart: keep the values and what there is, let helm upgrade, wait until it runs, put the values away.
import type { Condition, ReleaseName, ResourceName, StageDraft, StepDraft, Text } from '../engine/contracts.ts';
import type { HelmUpgrade } from './intent.ts';

/** Seconds that helm may take: its own default. */
const HELM_WITHIN = 300;
/** Seconds that workloads must stay ready: a controller that cannot start falls over within them. */
const LASTING = 10;

export interface HelmStages {
  upgrade: HelmUpgrade;
  /** As a person calls the system. */
  name: string;
  hop: string;
  /** What the upgrade may spoil: saved whole, before anything else. */
  resources: ResourceName[];
  /** Seconds for helm, and again for the workloads; undefined: helm's default, and `readyWithin`. */
  within?: number;
  readyWithin: number;
  /** An alternative with the same result; shown in brackets behind what helm does. */
  beside?: Text;
  /** What a rollback does not bring back; goes on behind what holds for every chart. */
  notBack?: Text;
  /** What an undo does once everything else is back. */
  onUndo?: StepDraft[];
  /** Stages before anything is changed, behind what is saved. */
  ahead?: StageDraft[];
  /** Steps right behind helm. */
  behind?(helm: StepDraft): StepDraft[];
  /** Steps once `conditions` hold, which are waited for before them: their webhook lets them through. */
  filled?: { started: Condition[]; text: Text; steps: StepDraft[] };
  /** What runs once the upgrade is through. */
  ready: Condition[];
  readyText: Text;
}

export function helmStages(what: HelmStages): StageDraft[] {
  const { upgrade, name, hop, resources, ready, readyText, filled } = what;
  const { release, chart, kept, reuse, rights } = upgrade;
  const { namespace, name: releaseName, revision, driver } = release;
  const its: ReleaseName = { namespace, name: releaseName, ...(driver ? { driver } : {}) };
  const common: Pick<StepDraft, 'guard' | 'undo'> = { guard: [], undo: 'none' };
  const keep: StepDraft = {
    ...{
      do: 'keep',
      guard: [],
      release: its,
      on: kept.on,
      digest: kept.digest,
      given: kept.given,
      undo: 'exact',
    },
    text: {
      en: `save the values for helm in Secret ${namespace}/${kept.on.name} until the upgrade has finished`,
      zh: `在升级完成之前，把传给 helm 的 values 保存在 Secret ${namespace}/${kept.on.name} 中`,
    },
  };
  const backup: StepDraft = {
    ...{ ...common, do: 'backup', resources, file: 'backup.yaml.gz' },
    text: {
      en: `back up all ${name} objects, its CRDs and a redacted snapshot to the run directory`,
      zh: `把 ${name} 的全部对象、CRD 以及一份已脱敏的快照保存到运行目录`,
    },
    undoNote: { en: 'undo: backup files are kept', zh: '撤销时：保留备份文件' },
  };
  const within = what.within ?? HELM_WITHIN;
  const notBack = what.notBack ?? { en: '', zh: '' };
  const texts = upgrade.explicit?.texts ?? [];
  const explicit = {
    en: texts.length ? `, with these values: ${texts.map(({ en }) => en).join(', ')}` : '',
    zh: texts.length ? `，values：${texts.map(({ zh }) => zh).join('、')}` : '',
  };
  const beside = { en: what.beside ? ` (${what.beside.en})` : '', zh: what.beside ? `（${what.beside.zh}）` : '' };
  const helm: StepDraft = {
    ...{ do: 'helm', guard: [], action: 'upgrade', within, release: its, from: revision, chart },
    ...{ values: kept.on, digest: kept.digest, reuse, config: kept.config, rights, after: [keep], undo: 'compensates' },
    ...(upgrade.explicit ? { fixes: upgrade.explicit.fixes } : {}),
    text: {
      en: `helm upgrade of release ${namespace}/${releaseName} to ${chart.name} ${chart.version}${explicit.en}${beside.en}`,
      zh: `用 helm 把 release ${namespace}/${releaseName} 升级到 ${chart.name} ${chart.version}${explicit.zh}${beside.zh}`,
    },
    undoNote: {
      en: `undo: helm rollback to revision ${revision}. Lost: what was changed manually in objects of the release after the upgrade. Not restored: CRDs (their own steps do), fields pruned since${notBack.en}`,
      zh: `撤销时：helm rollback 到修订版本 ${revision}；升级后对该 release 中对象的手动修改会丢失；它不恢复 CRD（由各自的步骤恢复），也不恢复其间被丢弃的字段${notBack.zh}`,
    },
  };
  const behind = what.behind?.(helm) ?? [];
  const wait = (until: Condition[], text: Text, after: StepDraft[]): StepDraft => ({
    ...{ ...common, do: 'wait', until, within: what.within ?? what.readyWithin, lasting: LASTING, assume: [], text, after },
  });
  const started = filled?.steps.length ? [wait(filled.started, filled.text, [helm, ...behind])] : [];
  const steps = filled?.steps.map((step) => ({ ...step, after: started })) ?? [];
  const runs = wait(ready, readyText, [helm, ...behind, ...started, ...steps]);
  const away: StepDraft = {
    ...{ ...common, do: 'forget', on: kept.on, after: [runs] },
    text: { en: `delete Secret ${namespace}/${kept.on.name}`, zh: `删除 Secret ${namespace}/${kept.on.name}` },
    undoNote: { en: 'undo: not needed, the Secret is temporary', zh: '撤销时：无需恢复，该 Secret 仅用于本次升级' },
  };
  return [
    // The values first: only this call knows them for certain.
    {
      hop,
      first: true,
      title: { en: `Save what there is before ${hop}`, zh: `升级到 ${hop} 之前保存现状` },
      steps: [keep, backup, ...(what.onUndo ?? [])],
    },
    ...(what.ahead ?? []),
    { hop, title: { en: `Upgrade to ${hop}`, zh: `升级到 ${hop}` }, steps: [helm, ...behind] },
    { hop, title: { en: `Wait for ${hop}`, zh: `等待 ${hop} 就绪` }, steps: [...started, ...steps, runs, away] },
  ];
}
