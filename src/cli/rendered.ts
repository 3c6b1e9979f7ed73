// check --chart of a chart that is none of our systems': its templates are rendered by helm, and what comes out is checked as manifests (-f) are, each object with the template
// that it comes from.
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../engine/contracts.ts';
import type { Target } from '../engine/paths.ts';
import { type Manifests, readManifests, STDIN } from '../files/manifests.ts';
import { loadChart } from '../helm/load-chart.ts';
import { findHelm, renderedText } from '../helm/run.ts';
import { chosenChecks, SYSTEMS } from '../systems/index.ts';
import { UserError } from '../text/user-error.ts';
import { minorOf } from '../versions/kubernetes.ts';
import { targetsGiven } from './asked.ts';
import type { Call } from './call.ts';
import { intentOf } from './intent.ts';
import { readJudged } from './manifests.ts';

/** The call without its chart, and the chart's objects in the place of -f. undefined: no chart was given, or it is one of a system. Throws UserError. */
export async function renderedChart(call: Call): Promise<{ call: Call; manifests: Manifests } | undefined> {
  const { chart: from, values: _values, set: _set, 'set-string': _strings, 'set-json': _jsons, 'set-file': _files, ...flags } = call.flags;
  if (from === undefined) return undefined;
  const chart = await loadChart(from);
  // Without a cluster there is no release that the chart of a system could be meant for: it is what it renders.
  if (SYSTEMS.some(({ chart: its }) => its === chart.name) && !flags.offline) return undefined;
  const helm = await findHelm(call.env, call.signal);
  if (!helm) throw noHelm(chart.name);
  const given = (await intentOf(call.flags, helm.version))?.given ?? {};
  const as = {
    namespace: flags.namespace ?? 'default',
    name: chart.name,
    kubernetes: kubernetesOf(targetsGiven(call, chosenChecks(call.args, 'check'))),
  };
  const text = await renderedText(helm, from, given, as, call.signal);
  const { manifests, skipped, doubles, twice } = await readManifests(
    [STDIN],
    (async function* () {
      yield text;
    })(),
  );
  const placed = placing(text, from);
  const read = {
    manifests: manifests.map(placed),
    skipped: skipped.map((each) => ({ ...each, ...placeAt(text, each.line ?? 1, from) })),
    doubles: doubles.map((same) => same.map(placed)),
    twice: twice.map(({ key, line }) => ({ key, ...placeAt(text, line ?? 1, from) })),
  };
  const files = flags.filename ?? [];
  const beside = files.length ? await readJudged(files, call) : NONE;
  const all = {
    manifests: [...read.manifests, ...beside.manifests],
    skipped: [...read.skipped, ...beside.skipped],
    doubles: [...read.doubles, ...beside.doubles],
    twice: [...read.twice, ...beside.twice],
  };
  return { call: { ...call, flags: { ...flags, filename: [from, ...files] } }, manifests: { ...all, rendered: true } };
}

const NONE: Manifests = { manifests: [], skipped: [], doubles: [], twice: [] };

/** Charts choose API versions by the version of the cluster: that is the target. */
function kubernetesOf(targets: readonly Target[]): string | undefined {
  const target = targets.find(({ system }) => system === 'kubernetes');
  return target && (/^v?1\.\d+\.\d+/.test(target.version) ? target.version : `1.${minorOf(target.version)}.0`);
}

const noHelm = (chart: string): UserError =>
  new UserError(
    { en: `rendering chart ${chart}: helm not found`, zh: `渲染 chart ${chart}：找不到 helm` },
    { en: 'put helm on PATH, or name it in HELM_BIN', zh: '请将 helm 加入 PATH，或用 HELM_BIN 指定' },
  );

// ---- where an object comes from --------------------------------------------------------------------------------------

const SOURCE = /^# Source: [^/\n]+\/(.+)$/;

/** The template that helm names above the document of this line; a CRD of crds/ likewise. */
function placeAt(text: string, line: number, chart: string): { file: string; line?: number } {
  const before = text.split('\n').slice(0, line);
  const above = before.findLast((each) => SOURCE.test(each));
  const template = above === undefined ? undefined : SOURCE.exec(above)?.[1];
  return { file: template === undefined ? chart : path.join(chart, template) };
}

function placing(text: string, chart: string): (manifest: Manifest) => Manifest {
  const lines = text.split('\n');
  const sources: (string | undefined)[] = [];
  for (const each of lines) sources.push(SOURCE.exec(each)?.[1] ?? sources.at(-1));
  const isFolder = existsSync(chart) && statSync(chart).isDirectory();
  return (manifest) => {
    const template = sources[manifest.line - 1];
    if (template === undefined) return { ...manifest, file: chart };
    const file = path.join(chart, template);
    return { ...manifest, file, line: isFolder ? lineIn(file, manifest) : 1 };
  };
}

/** Where the template declares it: the first line with its kind; 1 where that is made by the template itself. */
function lineIn(file: string, { object }: Manifest): number {
  if (!existsSync(file)) return 1;
  const at = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((line) => line.replace(/["']/g, '').trim() === `kind: ${String(object.kind)}`);
  return at < 0 ? 1 : at + 1;
}
