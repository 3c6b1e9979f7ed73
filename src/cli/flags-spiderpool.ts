// Flags of plan and upgrade that concern Spiderpool, as data (flags.ts).
import type { FlagSpec } from './flags.ts';

export const OF_SPIDERPOOL = {
  mirror: {
    kind: 'value',
    value: 'REGISTRY',
    text: {
      en: 'Spiderpool only: take all images from this registry, such as ghcr.m.daocloud.io (sets global.imageRegistryOverride)',
      zh: '仅 Spiderpool：全部镜像改从该镜像仓库拉取，例如 ghcr.m.daocloud.io（设置 global.imageRegistryOverride）',
    },
  },
  'no-pull-images': {
    kind: 'boolean',
    text: {
      en: 'Spiderpool only: do not pull the images on every node before the upgrade',
      zh: '仅 Spiderpool：升级前不在各节点上提前拉取镜像',
    },
  },
} as const satisfies Record<string, FlagSpec>;
