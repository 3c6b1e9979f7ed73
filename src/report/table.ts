// The terminal view of an examination: grouped by check, worst first, three lines a finding, unknowns by reason, the sum and the next command last.
import type { CheckResult, Gap, Grade, Installation, JudgedFinding, Ref, Text, UpgradePath } from '../engine/contracts.ts';
import type { Examination } from '../engine/examine.ts';
import { describeGap, isGap, settleGap } from '../engine/gaps.ts';
import { GRADES, type Summary, summarise } from '../engine/verdict.ts';
import { oneLine } from '../text/sanitise.ts';
import { width } from '../text/width.ts';
import { columns, counted, type Face, paragraph } from './face.ts';
import { CERTAINTY, gradeCount } from './words.ts';

/** Objects named per finding before the rest is folded into a count; -o wide names all. */
const NAMED = 2;

export function table(
  examination: Examination,
  systems: readonly { id: string; title: Text }[],
  checks: ReadonlyMap<string, Text>,
  face: Face,
): string[] {
  const { results } = examination;
  const found = results.filter(({ outcome }) => outcome === 'found').toSorted(worstFirst);
  const unknown = results.filter(({ outcome }) => outcome === 'unknown' || outcome === 'not-looked-at');
  const summary = summarise(results);
  const blocks = [header(examination, systems, face), ...headed(found, checks, face), ...unknowns(unknown, face), rest(summary, face)];
  return [...blocks.flatMap((block) => (block.length ? [...block, ''] : [])), ...closing(summary, found, unknown.length, face)];
}

function header(
  { identity, serverVersion, paths, absent }: Examination,
  systems: readonly { id: string; title: Text }[],
  face: Face,
): string[] {
  const { style, language } = face;
  const version = isGap(serverVersion) ? '' : oneLine(serverVersion);
  const missing = systems.filter(({ id }) => absent.includes(id as never)).map(({ id }) => id);
  const notInstalled = { en: `not installed: ${missing.join(', ')}`, zh: `未安装：${missing.join('、')}` }[language];
  return [
    [style.bold(oneLine(identity.context)), version].filter(Boolean).join('  '),
    ...columns(paths.map((path) => pathRow(path, face))),
    ...paths.flatMap(({ installation }) => disagreement(installation, face)),
    ...(missing.length ? [style.dim(notInstalled)] : []),
  ];
}

/** Every version that is named somewhere, with who names it, where they are not all the same. */
function disagreement({ id, sources }: Installation, { language, style }: Face): string[] {
  const bySaid = Map.groupBy(sources, ({ says }) => oneLine(says.replace(/^v(?=\d)/, '')));
  if (bySaid.size < 2) return [];
  const head = { en: `versions disagree in ${oneLine(id, 600)}:`, zh: `${oneLine(id, 600)} 各处的版本不一致：` }[language];
  const lines = [...bySaid].map(([says, [first, ...more]]) => {
    const others = more.length ? { en: ` and ${more.length} more`, zh: ` 等 ${more.length + 1} 处` }[language] : '';
    return `  ${says}: ${oneLine(first!.from, 600)}${others}`;
  });
  return [style.yellow(head), ...lines];
}

function pathRow({ installation, from, to, chosen }: UpgradePath, { language }: Face): string[] {
  const { release } = installation;
  const words = {
    chosen: { asked: { en: '', zh: '' }, default: { en: ' (default; choose with --to)', zh: '（默认；可用 --to 指定）' } }[chosen][
      language
    ],
    none: { en: ' (no newer version is known; choose with --to)', zh: '（没有已知的更新版本；可用 --to 指定）' }[language],
    unknown: { en: 'version unknown', zh: '版本未知' }[language],
    release:
      release &&
      {
        en: `release ${release.namespace}/${release.name}, revision ${release.revision}`,
        zh: `release ${release.namespace}/${release.name}，修订版 ${release.revision}`,
      }[language],
  };
  const version = isGap(from) ? words.unknown : from;
  const place = oneLine(words.release ?? `${installation.namespace}/${installation.name}`, 600);
  return [installation.system, to ? `${version} → ${to}${words.chosen}` : `${version}${words.none}`, place];
}

function headed(found: CheckResult[], checks: ReadonlyMap<string, Text>, face: Face): string[][] {
  const heads = headLines(found, checks, face);
  return found.map((result, i) => [
    ...heads[i]!,
    ...result.findings.flatMap((finding) => findingLines(finding, face)),
    ...remedyLines(result, face),
    ...gapLines(result, face),
  ]);
}

/** Id, title and tally in one line where that fits the terminal, else the title below. */
function headLines(found: CheckResult[], checks: ReadonlyMap<string, Text>, face: Face): string[][] {
  const { style, language } = face;
  const title = ({ id }: CheckResult) => checks.get(id)?.[language] ?? '';
  const id = (result: CheckResult) => `${sign(result.findings, face)} ${style.bold(result.id)}`;
  const rows = columns(found.map((result) => [id(result), title(result), tally(result.findings, face)]));
  if (rows.every((row) => width(row) <= face.columns)) return rows.map((row) => [row]);
  const short = columns(found.map((result) => [id(result), tally(result.findings, face)]));
  return found.map((result, i) => [short[i]!, ...paragraph(title(result), face).map(style.dim)]);
}

const openOnes = (findings: readonly JudgedFinding[]): JudgedFinding[] => findings.filter(({ accepted }) => !accepted);
const worst = (findings: readonly JudgedFinding[]): number =>
  Math.min(...openOnes(findings).map(({ grade }) => GRADES.indexOf(grade)), GRADES.length);
const worstFirst = (a: CheckResult, b: CheckResult): number => worst(a.findings) - worst(b.findings) || a.id.localeCompare(b.id);

function sign(findings: readonly JudgedFinding[], { style }: Face): string {
  const signs: Record<Grade, string> = { blocker: style.red('✗'), warning: style.yellow('!'), notice: style.cyan('i') };
  const grade = GRADES[worst(findings)];
  return grade ? signs[grade] : style.green('✓');
}

function tally(findings: readonly JudgedFinding[], { language }: Face): string {
  const open = openOnes(findings);
  const counts = GRADES.map((grade) => ({ grade, count: open.filter((finding) => finding.grade === grade).length })).filter(
    ({ count }) => count,
  );
  const accepted = findings.length - open.length;
  const parts = counts.map(({ grade, count }) => gradeCount(grade, count)[language]);
  if (accepted) parts.push(ACCEPTED(accepted)[language]);
  return parts.join(', ');
}

const ACCEPTED = (count: number): Text => ({ en: `${count} accepted`, zh: `${count} 个已接受` });

function findingLines({ message, sure, objects, accepted, evidence }: JudgedFinding, face: Face): string[] {
  const { language, style, wide } = face;
  const doubt = sure === 'certain' || sure === 'high' ? '' : ` (${CERTAINTY[sure][language]})`;
  const note = accepted ? ` (${ACCEPTED_BY_NAME[language]})` : '';
  const lines = [...paragraph(oneLine(message[language], 1000) + doubt + note, face), ...objectLines(objects, face)];
  if (wide) lines.push(...evidence.map(({ seen, at }) => style.dim(`    ${oneLine(seen, 1000)}${at ? `  (${nameOf(at)})` : ''}`)));
  return lines;
}

const ACCEPTED_BY_NAME: Text = { en: 'accepted by --accept', zh: '已用 --accept 接受' };

function objectLines(objects: readonly Ref[], face: Face): string[] {
  if (face.wide) return objects.map((ref) => `  ${nameOf(ref)}`);
  const oneKind = objects.every(({ kind }) => kind === objects[0]!.kind);
  const names = objects
    .slice(0, NAMED)
    .map((ref, i) => (oneKind && i ? nameOf({ ...ref, kind: '' }) : nameOf(ref)))
    .join(', ');
  const more = objects.length - NAMED;
  if (!names) return [];
  const folded = { en: `${names} and ${more} more (-o wide)`, zh: `${names} 等，另有 ${more} 个（-o wide）` };
  return [`  ${more > 0 ? folded[face.language] : names}`];
}

const nameOf = ({ kind, namespace, name }: Ref): string => oneLine(`${kind} ${namespace ? `${namespace}/` : ''}${name}`.trim(), 600);

function remedyLines({ findings }: CheckResult, face: Face): string[] {
  const texts = [...new Set(openOnes(findings).flatMap(({ remedy }) => remedy?.text[face.language] ?? []))];
  const fix = { en: 'fix: ', zh: '修复：' }[face.language];
  return texts.slice(0, face.wide ? undefined : NAMED).flatMap((text) => paragraph(face.style.cyan(fix) + text, face, 2, 7));
}

function gapLines({ gaps }: CheckResult, face: Face): string[] {
  return gaps.map((gap) => face.style.dim(`  ${{ en: 'not seen: ', zh: '未能查看：' }[face.language]}${describeGap(gap)[face.language]}`));
}

/** Checks that could not look, grouped by what stood in the way. */
function unknowns(results: readonly CheckResult[], face: Face): string[][] {
  const { language, style, tool } = face;
  const groups = new Map<string, { settle?: string; ids: string[] }>();
  for (const { id, gaps, note } of results) {
    const reasons = gaps.length
      ? gaps.map((gap) => ({ why: describeGap(gap)[language], settle: settle(gap) }))
      : [{ why: note?.[language] ?? '', settle: undefined }];
    for (const { why, settle } of reasons) {
      const group = groups.get(why) ?? { settle, ids: [] };
      if (!group.ids.includes(id)) group.ids.push(id);
      groups.set(why, group);
    }
  }
  function settle(gap: Gap): string {
    return settleGap(gap, tool)[language];
  }
  return [...groups].map(([why, { settle, ids }]) => {
    const head = { en: `${counted(ids.length, 'check', '').en} could not look`, zh: `${ids.length} 项检查未能进行` }[language];
    return [`${style.cyan('?')} ${style.bold(head)}   ${oneLine(why, 600)}`, `  ${ids.join(', ')}`, ...(settle ? [`  ${settle}`] : [])];
  });
}

function rest({ checks }: Summary, { language, style }: Face): string[] {
  const passed = { en: `${checks.passed} passed`, zh: `${checks.passed} 项通过` }[language];
  const not = checks['not-applicable'];
  const inapplicable = { en: `, ${not} ${not === 1 ? 'does' : 'do'} not apply`, zh: `，${not} 项不适用` }[language];
  if (!checks.passed && !not) return [];
  return [`${style.green('✓')} ${passed}${not ? inapplicable : ''}`];
}

function closing({ findings, accepted }: Summary, found: CheckResult[], unknown: number, face: Face): string[] {
  const { language, tool } = face;
  const parts = GRADES.filter((grade) => findings[grade]).map((grade) => gradeCount(grade, findings[grade])[language]);
  if (accepted) parts.push(ACCEPTED(accepted)[language]);
  if (unknown) parts.push({ en: `${unknown} unknown`, zh: `${unknown} 项未知` }[language]);
  const stop = { en: '.', zh: '。' }[language];
  const sum = parts.length ? parts.join({ en: ', ', zh: '，' }[language]) + stop : { en: 'Nothing found.', zh: '未发现问题。' }[language];
  const fixable = found.some(({ findings: all }) => openOnes(all).some(({ remedy }) => remedy));
  const next = fixable ? `${tool} fix` : unknown ? `${tool} rbac --for check` : undefined;
  return [next ? `${sum}   ${{ en: 'Next: ', zh: '下一步：' }[language]}${next}` : sum];
}
