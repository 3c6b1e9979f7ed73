// -f: the manifests that a command is given, laid over whatever it looks at; and what is said of them beside the report.

import type { Check, CheckResult, JudgedFinding, Manifest, Ref, Refusal, Source, StepDraft, Text } from '../engine/contracts.ts';
import { type DeclaredIn, declarationsIn, declaredRefs, isByPlace, ofAsked, withFiles, withoutCluster } from '../engine/declared.ts';
import type { CheckRemedy, Examination, ExamineOptions } from '../engine/examine.ts';
import { isCovered } from '../engine/files.ts';
import { fixLine } from '../engine/fix-line.ts';
import { isPipe, isStdin } from '../files/input.ts';
import { type Manifests, readManifests, type Skipped, STDIN } from '../files/manifests.ts';
import { alone, overCluster } from '../files/overlay.ts';
import { describe, keyOf, refOf } from '../kube/refs.ts';
import { CHECKS, SYSTEMS } from '../systems/index.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';

/** What of a call is needed to read: its flags, what ends it, and where its progress goes. */
type Reading = Pick<Call, 'flags' | 'signal' | 'waited' | 'progress'>;

const reading = (count: number): Text => ({ en: `Reading manifests (${count})...`, zh: `正在读取清单（${count}）……` });

/** What -f named, read once. undefined: it was not given. Throws UserError, also for flags that contradict it. */
export async function manifestsOf(call: Reading): Promise<Manifests | undefined> {
  const { flags } = call;
  const { filename, offline, from, quick } = flags;
  if (offline && filename === undefined)
    throw new UserError(
      { en: '--offline needs manifests or a chart', zh: '--offline 需要清单或 chart' },
      {
        en: 'name a file, a directory or a chart: -f FILE|DIR|- or --chart PATH',
        zh: '请指定文件、目录或 chart：-f FILE|DIR|- 或 --chart PATH',
      },
    );
  if (offline && from !== undefined)
    throw contradiction('offline', {
      en: 'and --from cannot be used together: --from stands for a cluster',
      zh: '与 --from 不能同时使用：使用 --from 时本来就不连接集群',
    });
  if (filename === undefined) return undefined;
  if (quick)
    throw contradiction('quick', {
      en: 'and -f cannot be used together: --quick reads only what the API server answers from its cache',
      zh: '与 -f 不能同时使用：--quick 只读取 API 服务器缓存中的数据',
    });
  if (filename.filter(isStdin).length > 1)
    throw new UserError(
      { en: '-f - can be used only once', zh: '-f - 只能使用一次' },
      { en: 'name the other manifests by their files', zh: '其他清单请用文件名指定' },
    );
  return readJudged(filename, call);
}

/** Throws UserError, as readManifests. What components read at their start and no check judges counts as skipped. */
export async function readJudged(paths: readonly string[], call: Reading): Promise<Manifests> {
  const read = await readManifests(paths, process.stdin, {
    signal: call.signal,
    waited: call.waited,
    told: (count) => call.progress(reading(count)),
  });
  const { judged = [], not = [] } = Object.groupBy(read.manifests, (each) => (isCovered(SYSTEMS, each) ? 'judged' : 'not'));
  const skipped = not.map(({ object: { apiVersion, kind }, file, line }) => {
    const what = oneLine(`${kind} (${apiVersion})`, 300);
    return { file, line, why: { en: `no check covers ${what}`, zh: `没有检查项覆盖 ${what}` }, unseen: true };
  });
  return { ...read, manifests: judged, skipped: [...read.skipped, ...skipped] };
}

const contradiction = (flag: 'offline' | 'quick', why: Text): UserError =>
  new UserError(
    { en: `--${flag} ${why.en}`, zh: `--${flag} ${why.zh}` },
    { en: `omit --${flag}: {retry:${flag}}`, zh: `请去掉 --${flag}：{retry:${flag}}` },
  );

/** `under`: the cluster, or what stands for one; undefined: there is none. `namespace`: of that connection, where the flags name none. */
export function laidOver(call: Call, { manifests }: Manifests, under: Source | undefined, namespace: string): Promise<Source> {
  const placed = call.flags.namespace ?? namespace;
  const name = call.flags.filename!.map((file) => (file === STDIN ? 'stdin' : file)).join(' ');
  return under ? overCluster(under, manifests, placed) : alone(manifests, placed, `(${name})`);
}

/** The examination as it is reported: with file and line of every declared object, and what could not be looked at without a cluster apart. */
export function declaredIn(
  examination: Examination,
  source: Source,
  { manifests, skipped, rendered }: Manifests,
  offline: boolean,
  { flags, options }: { flags: Call['flags']; options: ExamineOptions },
): Examination {
  const placed: readonly Manifest[] = source.manifests?.() ?? manifests;
  const filed = withFiles(offline ? ofAsked(withoutCluster(examination, SYSTEMS, placed), options) : examination, placed);
  // A pipe cannot be changed, nor what a chart rendered.
  const isFixed = rendered || flags.filename === undefined || flags.filename.some((each) => isStdin(each) || isPipe(each));
  const made = isFixed ? [] : inFiles(filed.results, placed, () => true);
  return {
    ...(offline ? fixedInFiles(filed, made) : filed),
    manifests: { objects: manifests.length, offline, skipped, fixes: fixesOf(made) },
  };
}

function fixesOf(made: readonly InFiles[]): DeclaredIn['fixes'] {
  if (made.some((each) => each.made.some((one) => 'do' in one))) return 'changes';
  return made.some((each) => each.made.length || each.twice.length) ? 'decisions' : undefined;
}

/** Without a cluster fix changes files and nothing else: what it would do in one is not promised. */
function fixedInFiles(examination: Examination, made: readonly InFiles[]): Examination {
  const remedies = made.flatMap(({ check, result: { installation }, findings, made: all }): CheckRemedy[] => {
    const drafts = all.filter((each): each is StepDraft => 'do' in each);
    // Not a fix that is skipped: it is for a person.
    const refusals = all.flatMap((each) => ('refused' in each ? [{ ...each, as: 'manual' as const }] : []));
    const offered = { drafts, refusals };
    return all.length ? [{ check: { ...check, remedy: undefined }, installation, findings, offered, propose: async () => offered }] : [];
  });
  const remedyOf = ({ id, installation }: CheckResult, { fingerprint }: JudgedFinding): JudgedFinding['remedy'] => {
    const own = remedies.find(
      ({ check, installation: at, findings }) =>
        check.id === id && at === installation && findings.some((each) => each.fingerprint === fingerprint),
    );
    if (!own) return null;
    const { drafts, refusals } = own.offered;
    return { automatic: drafts.length > 0, text: fixLine(own.offered), steps: drafts.length + refusals.length };
  };
  const results = examination.results.map((result) => ({
    ...result,
    findings: result.findings.map((finding) => ({ ...finding, remedy: remedyOf(result, finding) })),
  }));
  return { ...examination, results, remedies };
}

/** What one check makes of what it found in files. */
interface InFiles {
  check: Check;
  result: CheckResult;
  /** With those of their objects that a file declares. */
  findings: JudgedFinding[];
  made: (StepDraft | Refusal)[];
  /** Nothing is made for these: which place counts is not ours to say. `needs`: what has to be changed there. */
  twice: { on: Ref; places: Manifest[]; needs: Text[] }[];
}

/** Of each check whose findings concern declared objects. `isWanted`: only such findings. */
export function inFiles(
  results: Examination['results'],
  manifests: readonly Manifest[],
  isWanted: (finding: JudgedFinding) => boolean,
): InFiles[] {
  const objectOf = declarationsIn(manifests);
  const places = Map.groupBy(
    manifests.filter((each) => !isByPlace(each)),
    ({ object }) => keyOf(refOf(object)),
  );
  const placesOf = (on: Ref): Manifest[] => (on.file === undefined ? (places.get(keyOf(on)) ?? []) : []);
  return results.flatMap((result): InFiles[] => {
    const check: Check | undefined = CHECKS.find(({ id }) => id === result.id);
    const declared = result.findings
      .filter(({ accepted }) => !accepted)
      .map((each) => ({ ...each, objects: declaredRefs(each.objects, manifests) }))
      .filter(({ objects }) => objects.length);
    const findings = check?.inFiles ? declared.filter(isWanted) : declared;
    if (!check || !findings.length) return [];
    const [once, twice] = [
      findings.map((each) => onlyOf(each, (on) => placesOf(on).length < 2)),
      findings.map((each) => onlyOf(each, (on) => placesOf(on).length > 1)),
    ];
    const made =
      check.inFiles?.(
        once.filter(({ objects }) => objects.length),
        objectOf,
      ) ?? [];
    const doubled = twice.flatMap((finding) =>
      finding.objects.map((on) => ({ on, places: placesOf(on), needs: needsOf(check, { ...finding, objects: [on] }, placesOf(on)) })),
    );
    return [{ check, result, findings, made, twice: check.inFiles ? doubled : [] }];
  });
}

/** What is to be changed where the one object of the finding is declared as it was found. */
function needsOf(check: Check, finding: JudgedFinding, places: readonly Manifest[]): Text[] {
  const old = places.filter(({ object }) => object.apiVersion === finding.objects[0]!.apiVersion);
  const made = old.flatMap(({ object }) => check.inFiles?.([finding], () => object) ?? []);
  return made.map((each) => ('do' in each ? each.text : each.refused));
}

const onlyOf = (finding: JudgedFinding, which: (on: Ref) => boolean): JudgedFinding => ({
  ...finding,
  objects: finding.objects.filter(which),
});

/** Lines of one kind before the rest is a count. */
const SHOWN = 10;

const UNREAD: Text = { en: 'not checked', zh: '未检查' };
const PASSED_OVER: Text = { en: 'ignored', zh: '已忽略' };

/** What could not be read, what was passed over, and what is declared twice; on stderr. */
export function tellManifests(call: Call, { skipped, doubles, twice }: Manifests): void {
  const lines = (all: readonly Text[], more: (count: number) => Text) => {
    for (const text of all.slice(0, SHOWN)) call.say(call.t(text));
    if (all.length > SHOWN) call.say(call.t(more(all.length - SHOWN)));
  };
  // Those that the sum counts, and those that hold nothing to check.
  const { unread = [], rest = [] } = Object.groupBy(skipped, ({ unseen }) => (unseen ? 'unread' : 'rest'));
  const placeOf = ({ file, line }: { file: string; line?: number }) =>
    oneLine(file === STDIN ? 'stdin' : file, 300) + (line === undefined ? '' : `:${line}`);
  const placed = (all: readonly Skipped[], word: Text) =>
    all.map((each) => ({
      en: `${word.en}: ${placeOf(each)}: ${each.why.en}`,
      zh: `${word.zh}：${placeOf(each)}：${each.why.zh}`,
    }));
  lines(placed(unread, UNREAD), (count) => ({
    en: `not checked: ${count} more (-o json names all)`,
    zh: `未检查：另有 ${count} 处（-o json 列出全部）`,
  }));
  lines(placed(rest, PASSED_OVER), (count) => ({
    en: `ignored: ${count} more (-o json names all)`,
    zh: `已忽略：另有 ${count} 处（-o json 列出全部）`,
  }));
  lines(
    doubles.map((same) => {
      const at = same.map(({ file, line }) => `${oneLine(file, 300)}:${line}`);
      const name = describe(refOf(same[0]!.object));
      return {
        en: `declared ${same.length} times: ${name}: ${at.join(', ')}; the last one counts`,
        zh: `重复声明 ${same.length} 次：${name}（${at.join('、')}）；以最后一处为准`,
      };
    }),
    (count) => ({ en: `declared more than once: ${count} more objects`, zh: `重复声明：另有 ${count} 个对象` }),
  );
  // In the words in which kustomize refuses the file.
  lines(
    twice.map(({ key, first, ...at }) => {
      const name = oneLine(key, 100);
      return {
        en: `duplicate key: ${placeOf(at)}: mapping key "${name}" already defined${first === undefined ? '' : ` at line ${first}`}; the last one counts, as in kubectl`,
        zh: `重复的键：${placeOf(at)}：键“${name}”已${first === undefined ? '' : `在第 ${first} 行`}定义；与 kubectl 一样，以最后一处为准`,
      };
    }),
    (count) => ({ en: `duplicate keys: ${count} more`, zh: `重复的键：另有 ${count} 个` }),
  );
}
