// Defaults of the target chart that differ from those the release uses, of keys that change what Spiderpool does on the nodes or to Pods: knowledge/renames.json (watched).
import { valuesDefaults } from '../../../chart/values-defaults.ts';
import { CHART } from '../chart.ts';

export default valuesDefaults(CHART, {
  page: {
    impact: {
      en: 'New defaults can change what runs on the nodes: 0.6.0 installs Multus and turns SpiderSubnet off, 0.7.1 turns it on again, 0.8.8, 0.9.6 and 1.0.0 write sysctls (0.9.5 only makes the agents privileged), 0.9.0 to 1.2.0 overwrite CNI binaries, and with 1.0.0 helm uninstall deletes all Spiderpool objects and CRDs.',
      zh: '新的默认值可能改变节点行为：0.6.0 会安装 Multus 并关闭 SpiderSubnet，0.7.1 再次启用，0.8.8、0.9.6 和 1.0.0 会写入 sysctl（0.9.5 仅使 agent 以特权运行），0.9.0 到 1.2.0 会覆盖 CNI 可执行文件；1.0.0 起“helm uninstall”会删除所有 Spiderpool 对象和 CRD。',
    },
    detection: {
      en: 'Compares the values that the templates see today with the values after the upgrade, for a list of such keys. Keys that the release or the flags set are ignored. A warning if Pods get no IP because of it, otherwise a notice.',
      zh: '针对这些键，比较模板当前使用的值与升级后的值。release 或参数中已设置的键不计入。会使 Pod 无法分配 IP 的为警告，其余为提示。',
    },
    fix: {
      en: 'manual: pass the flag that the finding names to keep the old value.',
      zh: '手动：如需保持旧值，请使用结果中给出的参数。',
    },
  },
  sources: [
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool/values.yaml at every tag',
      zh: 'spidernet-io/spiderpool: charts/spiderpool/values.yaml（所有 tag）',
    },
    'helm/helm: pkg/action/upgrade.go (reuseValues)',
  ],
});
