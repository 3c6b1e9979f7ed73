// A control plane whose programs and chart are of different releases: the programs refuse the flags that the chart passes, wait at a port that does not listen, or lack rights. And what they said when they gave up.
// Sources: tables of flags that charts pass and programs take at every tag (cmd/osm-{bootstrap,controller,injector}); pkg/k8s/events/types.go@v1.3.9; guide: troubleshooting by FatalInvalidCLIParameters.
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import { explicitValues } from '../../../chart/upgrade-command.ts';
import { finding, setFields } from '../../../engine/builders.ts';
import type { Change, Check, Finding, PointReader, Ref, Refusal, Severity, StepDraft, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, list, word } from '../../../engine/read/index.ts';
import { pathOf } from '../../../helm/keys.ts';
import { isRaw } from '../../../kube/json.ts';
import { pointerGet } from '../../../kube/pointer.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare, parse } from '../../../versions/chart.ts';
import { carriedValues, textAt } from '../carried.ts';
import { CHART } from '../chart.ts';
import { type ControlPod, controlPods, isAlive } from '../control-plane.ts';
import { releases } from '../knowledge/tables.ts';
import { manual } from '../manual.ts';
import { tagsOf, workloads } from '../reads.ts';

const EVENT = { reason: word('reason', ''), message: word('message', ''), pod: word('involvedObject.name', '') };
const reads = {
  ...RELEASE_READS,
  workloads,
  pods: controlPods,
  events: list('events', EVENT, { only: ({ reason }) => reason.startsWith('Fatal'), optional: true, harmless: true }),
};

/** Of a Deployment, to be set. */
const IMAGES = ['containers', 'initContainers'].map((name) => each(`spec.template.spec.${name}`, { image: word('image', '') }));

/** Of chart and programs: which of them is older than which release decides. */
type Mismatch = 'flags' | 'ports' | 'roles';
interface Args {
  is: Mismatch | 'planned' | 'exit' | 'event';
  chart: string;
  image: string;
  /** Of an exit or event: the program, and what it said. */
  name: string;
  said: string;
  mismatch?: Mismatch;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/cli-parameters',
  title: { en: 'chart and programs of the control plane fit together', zh: '控制平面的 chart 与程序版本匹配' },
  headline: { en: 'control plane programs reject the flags of the chart', zh: '控制平面的程序不接受 chart 的参数' },
  page: {
    impact: {
      en: 'Programs up to 1.1 exit with "unknown flag: --trust-domain" (exit code 2) under a chart from 1.2.0 on, without an Event. Programs from 1.2.0 on never become ready under a chart of 1.1 (port 9095), and those from 1.3.0 on lack permissions under an older chart (FatalInitializationError).',
      zh: '在 1.2.0 及以后的 chart 下，1.1 及更早的程序会以“unknown flag: --trust-domain”退出（退出码 2），且没有 Event。在 1.1 的 chart 下，1.2.0 及以后的程序不会就绪（端口 9095）；在更旧的 chart 下，1.3.0 及以后的程序缺少权限（FatalInitializationError）。',
    },
    detection: {
      en: 'Compares the tags of the images with the version of the chart, now and with a value osm.image.tag that the upgrade would carry over. Reads exit codes and, for exit code 2, the log of the container, and Events with a reason that begins with Fatal.',
      zh: '比较镜像标签与 chart 的版本，包括现状以及升级后将生效的 osm.image.tag。读取退出码（退出码为 2 时还读取容器日志）以及原因以“Fatal”开头的 Event。',
    },
    fix: {
      en: 'Sets the image tag of the Deployment to the one of its chart; upgrade osm-edge passes osm.image.tag of its chart to helm. Other causes are manual, see the log. The flags --container-registry and --osm-image-tag of the guide do not exist in osm-edge; use --set osm.image.registry and osm.image.tag.',
      zh: '将 Deployment 的镜像标签设为其 chart 的版本；upgrade osm-edge 会把所用 chart 的 osm.image.tag 传给 helm。其他原因需手动处理，见日志。指南中的 --container-registry 和 --osm-image-tag 在 osm-edge 中不存在；请用 --set osm.image.registry 和 osm.image.tag。',
    },
  },
  sources: [
    {
      en: 'flomesh-io/osm-edge: cmd/osm-bootstrap/osm-bootstrap.go, cmd/osm-controller/osm-controller.go, cmd/osm-injector/osm-injector.go at every tag',
      zh: 'flomesh-io/osm-edge: cmd/osm-bootstrap/osm-bootstrap.go, cmd/osm-controller/osm-controller.go, cmd/osm-injector/osm-injector.go（所有 tag）',
    },
    'flomesh-io/osm-edge: pkg/k8s/events/types.go@v1.3.9',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [...RELEASE_BODIES, { resource: 'pods', verb: 'log' }],
  judge: async (rows, at) => {
    const { installation, to } = at.path;
    const { namespace = '' } = installation;
    const own = rows.workloads.filter(({ ref }) => ref.namespace === namespace);
    const now = own.flatMap((each) => tagsOf(each).map((tag) => ({ ref: each.ref, chart: parse(each.version ?? ''), image: parse(tag) })));
    const apart = now.flatMap(({ ref, chart, image }) => {
      const is = chart && image ? mismatch(chart, image) : undefined;
      return is ? [found('blocker', [ref], { is, chart: chart!, image: image!, name: ref.name, said: '' })] : [];
    });
    const carried = to ? await carriedValues(rows, at) : undefined;
    const tag = carried && 'config' in carried ? parse(textAt(carried.config, 'osm.image.tag') ?? '') : undefined;
    const planned = to && tag ? mismatch(to, tag) : undefined;
    const pods = rows.pods.filter((pod) => pod.ref.namespace === namespace && isAlive(pod));
    const exits = await exited(pods, at.look);
    const events = isGap(rows.events) ? [] : rows.events.filter(({ ref }) => ref.namespace === namespace);
    const fatal = Map.groupBy(events, ({ reason }) => reason);
    return [
      ...apart,
      ...(planned && carried && 'record' in carried
        ? [
            found('blocker', [carried.record], {
              is: 'planned',
              mismatch: planned,
              chart: to!,
              image: tag!,
              name: 'osm.image.tag',
              said: '',
            }),
          ]
        : []),
      ...exits,
      ...[...fatal].map(([reason, [first]]) =>
        found('warning', [first!.ref], { is: 'event', chart: '', image: '', name: reason, said: first!.message }),
      ),
    ];
  },
  say: (args) => SAY[args.is](args),
  remedy: {
    pointReads: [{ resource: 'deployments.apps', columns: IMAGES }],
    writes: [{ verbs: ['get', 'patch'], group: 'apps', resource: 'deployments' }],
    steps: async (all, at) => {
      const images = await Promise.all(all.filter(({ args }) => isMismatch(args.is)).map((each) => imagesOf(each, at.look)));
      const planned = all.filter(({ args }) => args.is === 'planned');
      const said = all.filter(({ args }) => args.is === 'event' || args.is === 'exit');
      return [
        ...images.flat(),
        ...(planned.length
          ? [
              explicitValues(
                CHART,
                at,
                planned.map(({ args: { chart } }) => ({ path: pathOf('osm.image.tag'), value: tagOf(chart) })),
              ),
            ]
          : []),
        // What ended with these flags is replaced together with its image.
        ...(images.flat().length ? [] : said.map((each) => log(each, at.path.installation.namespace ?? ''))),
      ];
    },
  },
};
export default check;

/** Chart 1.1.3 deploys images 1.1.1 by right: only the releases that changed what is passed count. */
function mismatch(chart: string, image: string): Mismatch | undefined {
  const shipped = releases().releases.find(({ version }) => version === chart)?.image;
  if (shipped === image) return undefined;
  const isBefore = (version: string, release: string) => compare(version, `${release}-0`) < 0;
  if (!isBefore(chart, '1.2.0') && isBefore(image, '1.2.0')) return 'flags';
  if (isBefore(chart, '1.2.0') && !isBefore(image, '1.2.0')) return 'ports';
  return isBefore(chart, '1.3.0') && !isBefore(image, '1.3.0') ? 'roles' : undefined;
}

const UNKNOWN_FLAG = /unknown flag: --[\w-]+/;

/** A program that cannot read its flags makes no Event: only its log tells. */
async function exited(pods: readonly ControlPod[], look: PointReader): Promise<Finding<Args>[]> {
  const findings = new Map<string, Finding<Args>>();
  for (const { ref, containers } of pods)
    for (const { name, exit } of containers) {
      if (exit !== 2 || findings.has(name)) continue;
      const log = await look.log(ref, name, 4000);
      const said = typeof log === 'string' ? (UNKNOWN_FLAG.exec(log)?.[0] ?? '') : '';
      findings.set(name, found('blocker', [ref], { is: 'exit', chart: '', image: '', name, said }));
    }
  return [...findings.values()];
}

const EFFECT: Record<Mismatch, Text> = {
  flags: { en: 'the programs exit with "unknown flag: --trust-domain"', zh: '程序会以“unknown flag: --trust-domain”退出' },
  ports: { en: 'osm-bootstrap never becomes ready (port 9095)', zh: 'osm-bootstrap 不会就绪（端口 9095）' },
  roles: { en: 'the ClusterRole lacks permissions that the programs need', zh: 'ClusterRole 缺少程序所需的权限' },
};
const apart = ({ is, name, chart, image }: Args): Text => {
  const effect = EFFECT[is as Mismatch];
  return {
    en: `${name} runs ${image} under chart ${chart}: ${effect.en}`,
    zh: `${name} 在 chart ${chart} 下运行 ${image}：${effect.zh}`,
  };
};
const SAY: Record<Args['is'], (args: Args) => Text> = {
  flags: apart,
  ports: apart,
  roles: apart,
  planned: ({ chart, image, mismatch: is }) => ({
    en: `value osm.image.tag=${image} would stay under chart ${chart}: ${EFFECT[is!].en}`,
    zh: `osm.image.tag=${image} 会保留在 chart ${chart} 下：${EFFECT[is!].zh}`,
  }),
  exit: ({ name, said }) => ({
    en: `container ${name} exits with code 2${said && ` ("${said}")`}: it does not take the flags that it is given`,
    zh: `容器 ${name} 以退出码 2 退出${said && `（“${said}”）`}：它不接受所给的参数`,
  }),
  event: ({ name, said }) => ({ en: `Event ${name} of the control plane: ${said}`, zh: `控制平面的 Event ${name}：“${said}”` }),
};

const found = (severity: Severity, objects: Ref[], args: Args): Finding<Args> =>
  finding<Args>({
    severity,
    key: [args.is, args.name],
    objects,
    args,
    evidence: [
      {
        seen:
          args.is === 'event'
            ? `Event.reason: ${args.name}`
            : args.is === 'exit'
              ? 'lastState.terminated.exitCode: 2'
              : `image: ${args.image}`,
      },
    ],
  });

const isMismatch = (is: Args['is']): boolean => is in EFFECT;
const tagOf = (chart: string): string => releases().releases.find(({ version }) => version === chart)?.image ?? chart;

/** Every image of osm-edge in the Deployment, as its chart has it. */
async function imagesOf({ args: { chart, image: tag }, objects: [on] }: Finding<Args>, look: PointReader): Promise<StepDraft[]> {
  const live = on && (await look.get(on));
  if (!live || isGap(live)) return [];
  const changes = ['initContainers', 'containers'].flatMap((list) => {
    const all = pointerGet(live, `/spec/template/spec/${list}`);
    return (Array.isArray(all) ? all : []).flatMap((each, nth): Change[] => {
      const image = isRaw(each) ? each.image : undefined;
      if (typeof image !== 'string' || !/(?:^|\/)osm-edge-[\w-]+:/.test(image) || !image.endsWith(`:${tag}`)) return [];
      return [{ path: `/spec/template/spec/${list}/${nth}/image`, before: image, after: image.replace(/:[^:]+$/, `:${tagOf(chart)}`) }];
    });
  });
  if (!changes.length) return [];
  return [
    setFields(on, changes, {
      en: `set the image tag of Deployment ${on.namespace}/${on.name} to ${tagOf(chart)}, as in chart ${chart}`,
      zh: `将 Deployment ${on.namespace}/${on.name} 的镜像标签设为 chart ${chart} 的 ${tagOf(chart)}`,
    }),
  ];
}

const log = ({ args: { is, name }, objects: [on] }: Finding<Args>, namespace: string): Refusal =>
  is === 'exit'
    ? manual(
        {
          en: `set osm.image.tag to the release of the chart: ${name} does not take its flags`,
          zh: `将 osm.image.tag 设为与 chart 一致的版本：${name} 不接受现有参数`,
        },
        `kubectl logs ${shellWord(on?.name ?? '')} -c ${shellWord(name)} -n ${shellWord(namespace)} --previous`,
      )
    : manual(
        { en: `see the log for what ${name} is about`, zh: `查看日志中与 ${name} 相关的说明` },
        `kubectl logs deployment/osm-controller -c osm-controller -n ${shellWord(namespace)} --previous`,
      );
