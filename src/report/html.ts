// The report as one HTML file: no script, nothing from the network, readable on a phone, and it prints. Everything is in it; long lists are folded.
import type { Language } from '../engine/contracts.ts';
import type { Face } from './face.ts';
import type { Report } from './report.ts';
import type { UnknownView } from './unknowns.ts';
import type { FoundView, View } from './view.ts';
import { FIX, markOf, NOT_SEEN, REPORT_TITLE, SIGN, UNREACHABLE } from './words.ts';

/** More objects than this are folded; paper shows all. */
const OPEN = 8;

export function html({ views, failed, sum }: Report, { language }: Face): string {
  const colon = { en: ': ', zh: '：' }[language];
  const title = `${REPORT_TITLE[language]}${colon}${[...views.map(({ cluster }) => cluster), ...failed.map(({ context }) => context)].join(', ')}`;
  const several = views.length + failed.length > 1;
  const sections = [...views.map((view) => cluster(view, several, language)), ...failed.map((each) => unreachable(each, language))];
  return page(title, sum, sections, language);
}

/** A whole file. `title`, `sum`: plain text; `sections`: HTML. */
export function page(title: string, sum: string, sections: readonly string[], language: Language): string {
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${safe(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${safe(title)}</h1><p class="sum">${safe(sum)}</p></header>
<main>
${sections.join('\n')}
</main>
</body>
</html>`;
}

function cluster(view: View, several: boolean, language: Language): string {
  const { paths, disagreements, absent, found, unknown, rest, others, next } = view;
  return `<section>
${several ? `<h2>${safe(view.cluster)} <small>${safe(view.version)}</small></h2>` : ''}
${!several && view.version ? `<p class="quiet">Kubernetes ${safe(view.version)}</p>` : ''}
${paths.map((path) => `<p class="path"><b>${safe(path.system)}</b> <span>${safe(path.versions)}</span> <small>${safe([path.note, path.place].filter(Boolean).join(' · '))}</small></p>`).join('\n')}
${disagreements.map(({ head, says }) => `<div class="note"><p>${safe(head)}</p>${list(says)}</div>`).join('\n')}
${absent ? `<p class="quiet">${safe(absent)}</p>` : ''}
${found.map((each) => foundBlock(each, language)).join('\n')}
${unknown.map(unknownBlock).join('\n')}
${rest ? `<details class="rest"><summary><span class="sign">${others.some(({ passed }) => passed) ? '✓' : '–'}</span> ${safe(rest)}</summary><ul class="names">${others.map(otherItem).join('')}</ul></details>` : ''}
${next ? `<p class="next">${safe(next.lead)}<code>${unbroken(next.command)}</code></p>` : ''}
</section>`.replace(/\n+/g, '\n');
}

const otherItem = ({ id, passed, text }: View['others'][number]): string =>
  `<li${passed ? '' : ' class="accepted"'}><span class="sign">${passed ? '✓' : '–'}</span> ${safe(id)} <small>${safe(text)}</small></li>`;

function foundBlock({ id, at, headline, severity, tally, findings, fix, command, notSeen }: FoundView, language: Language): string {
  const items = findings.map(({ mark, message, objects, evidence }) => {
    const names = objects.map(
      ({ kind, name, file }) => `<small>${safe(kind)}</small> ${safe(name)}${file ? ` <small>${safe(file)}</small>` : ''}`,
    );
    const folded = names.length > OPEN;
    const objectList = names.length ? `<ul class="names">${names.map((name) => `<li>${name}</li>`).join('')}</ul>` : '';
    const inside = folded
      ? `<details><summary>${names.slice(0, 2).join(', ')} … (${names.length})</summary>${objectList}</details>`
      : objectList;
    const lead = mark ? `<span class="sign">${SIGN[mark]} ${safe(markOf(mark, language))}</span> ` : '';
    return `<li${mark ? ` class="${mark}"` : ''}><p>${lead}${safe(message)}</p>${inside}${evidence.map((line) => `<p class="quiet">${safe(line)}</p>`).join('')}</li>`;
  });
  return `<article class="${severity ?? 'accepted'}">
<h3><span><span class="sign">${SIGN[severity ?? 'accepted']}</span> ${safe(headline || id)}</span> <small class="tally">${safe(tally)}</small></h3>
<p class="quiet">${safe([id, at].filter(Boolean).join(' '))}</p>
<ul class="findings">${items.join('\n')}</ul>
${notSeen.map((gap) => `<p class="quiet">${safe(NOT_SEEN[language] + gap)}</p>`).join('\n')}
${fix ? `<p class="fix"><b>${safe(FIX[language])}</b>${unbroken(fix)}</p>` : ''}
${command ? `<p><code>${unbroken(command)}</code></p>` : ''}
</article>`;
}

function unknownBlock({ head, reasons, settle }: UnknownView): string {
  return `<article class="unknown">
<h3><span><span class="sign">?</span> ${safe(head)}</span></h3>
<dl>${reasons.map(({ whys, checks }) => `${whys.map((why) => `<dt>${safe(why)}</dt>`).join('')}<dd>${safe(checks.join(', '))}</dd>`).join('\n')}</dl>
${settle ? `<p class="fix">${unbroken(settle)}</p>` : ''}
</article>`;
}

function unreachable({ context, why }: Report['failed'][number], language: Language): string {
  return `<section><article class="blocker"><h3><span><span class="sign">✗</span> ${safe(context)}</span></h3><p>${safe(`${UNREACHABLE[language]} ${why}`)}</p></article></section>`;
}

const list = (lines: readonly string[]): string => `<ul>${lines.map((line) => `<li>${safe(line)}</li>`).join('')}</ul>`;

/** A line may end before a flag, not within its dashes. */
export const unbroken = (text: string): string => safe(text).replace(/--[a-z][a-z-]*/g, '<span class="flag">$&</span>');

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const safe = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

const STYLE = `
:root{--ink:#1b1f24;--quiet:#5b6570;--paper:#fff;--card:#f6f8fa;--line:#d8dee4;--blocker:#b3261e;--warning:#8a5a00;--notice:#0b6fa4;--unknown:#0b6fa4;--accepted:#5b6570;--good:#1a7f37}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--quiet:#9aa4ae;--paper:#14171a;--card:#1d2125;--line:#343a40;--blocker:#ff7b72;--warning:#e3b341;--notice:#6cb6ff;--unknown:#6cb6ff;--accepted:#9aa4ae;--good:#57ab5a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;line-height:1.3;margin:.5rem 0}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
h3{font-size:1rem;margin:0 0 .25rem;display:flex;flex-wrap:wrap;gap:.1rem .5rem;align-items:baseline}
p{margin:.25rem 0}
small{font-weight:400;color:var(--quiet);font-size:.85em}
.sum{font-size:1.1rem;font-weight:600}
.path{display:flex;flex-wrap:wrap;gap:0 .75rem;align-items:baseline}
.quiet{color:var(--quiet);font-size:.9rem}
.note{border-left:.2rem solid var(--warning);padding-left:.75rem;margin:.5rem 0}
article{background:var(--card);border:1px solid var(--line);border-left:.3rem solid var(--tone);border-radius:.4rem;padding:.75rem 1rem;margin:.75rem 0}
.blocker{--tone:var(--blocker)}.warning{--tone:var(--warning)}.notice{--tone:var(--notice)}.unknown{--tone:var(--unknown)}.accepted{--tone:var(--accepted)}
.sign{color:var(--tone);font-weight:700}
.rest{--tone:var(--good)}.rest li{margin-left:1rem}.flag{white-space:nowrap}
.tally{margin-left:auto;color:var(--tone);font-weight:600}
ul{padding-left:1.1rem;margin:.4rem 0}
.findings,.names{list-style:none;padding:0}
.names{font-size:.9rem;columns:20rem}
.names li{padding:.05rem 0;break-inside:avoid}
.findings>li{padding:.35rem 0}
.findings>li+li{border-top:1px solid var(--line)}
summary{cursor:pointer;font-size:.9rem}
dt{margin-top:.4rem}dd{margin:0 0 .25rem;color:var(--quiet);font-size:.9rem}
.fix,.next{margin-top:.5rem}
.steps{list-style:none;padding:0}.steps li{padding:.5rem 0;break-inside:avoid}.steps li+li{border-top:1px solid var(--line)}.steps p{display:grid;grid-template-columns:minmax(1.5rem,auto) minmax(0,1fr) auto;gap:.1rem .5rem;align-items:baseline}.steps .quiet{margin-left:2rem}
.head{margin:0 0 -.25rem;text-align:right;font-size:.8em;color:var(--quiet)}.steps{margin-top:0}
.step{font-weight:700}.undo{margin-left:auto;font-size:.85em;color:var(--tone,var(--quiet))}.steps pre{margin:.25rem 0 0 2rem;white-space:pre-wrap;font:.85em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--quiet)}
.exact{--tone:var(--good)}.compensates{--tone:var(--warning)}.none{--tone:var(--blocker)}.manual{--tone:var(--notice)}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--card);border:1px solid var(--line);border-radius:.25rem;padding:.1rem .3rem}
@media(max-width:40rem){.steps p{grid-template-columns:minmax(1.5rem,auto) minmax(0,1fr)}.steps .undo{grid-column:2}}
@media print{html{font-size:10pt}:root{--ink:#000;--quiet:#444;--paper:#fff;--card:#fff;--line:#bbb;--blocker:#b3261e;--warning:#8a5a00;--notice:#0b6fa4;--unknown:#0b6fa4;--good:#1a7f37}body{max-width:none;padding:0}h3{break-after:avoid}.findings>li{break-inside:avoid}details::details-content{content-visibility:visible;display:block}summary{list-style:none}}
`;
