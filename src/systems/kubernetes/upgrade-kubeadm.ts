// What kubeadm does by itself during an upgrade that a person has to know beforehand, by its version; said in the step that runs it.
import type { Text } from '../../engine/contracts.ts';
import { minor, minorOf, satisfies } from '../../versions/kubernetes.ts';
import { kubeadm } from './knowledge/tables.ts';

/** The minor from which kubeadm stops when its test Pod does not end (kubernetes/kubeadm 3050: before, the failure was overwritten). */
export const PREFLIGHT_SINCE = 30;
/** kubernetes 136273. */
export const preflightSeconds = (version: string): number => (minorOf(version) >= 36 ? 60 : 15);
/** The minor from which kubeadm renews the certificates of etcd also where it does not upgrade etcd (kubernetes 124688). */
const RENEWS_ETCD_SINCE = 31;

/** `first`: of the Node on which it runs first. */
export function kubeadmNotes(version: string, first: boolean): Text[] {
  return [
    ...(first && minorOf(version) >= PREFLIGHT_SINCE ? [testPod(version)] : []),
    ...(minorOf(version) < RENEWS_ETCD_SINCE ? [CERTIFICATES] : []),
    ...(satisfies(version, '>=1.35.0 <1.35.1') ? [NO_FLAGS(version)] : []),
  ];
}

function testPod(version: string): Text {
  const pause = kubeadm().images.find((row) => row.minor === minor(minorOf(version)))?.pause;
  const [image, seconds] = [pause ? `pause:${pause}` : 'pause', preflightSeconds(version)];
  return {
    en: `kubeadm first runs a test Pod (image ${image}) that has to end within ${seconds} s, or it stops with ERROR CreateJob: keep a Node ready, not cordoned and with that image (kubernetes/kubeadm#3050)`,
    zh: `kubeadm 会先运行一个测试 Pod（镜像 ${image}），须在 ${seconds} 秒内结束，否则报告 ERROR CreateJob 并停止：请保留一个已就绪、未封锁且已有该镜像的节点（kubernetes/kubeadm#3050）`,
  };
}

const CERTIFICATES: Text = {
  en: 'kubeadm before 1.31 renews the certificates of etcd only where it upgrades etcd: afterwards look at sudo kubeadm certs check-expiration (kubernetes/kubeadm#2989)',
  zh: '1.31 之前的 kubeadm 只在升级 etcd 时更新其证书：完成后请执行 sudo kubeadm certs check-expiration 查看（kubernetes/kubeadm#2989）',
};

const NO_FLAGS = (version: string): Text => ({
  en: `kubeadm ${version} stops where /var/lib/kubelet/kubeadm-flags.env has no flags: take 1.35.1 or newer (kubernetes/kubeadm#3279)`,
  zh: `如果 /var/lib/kubelet/kubeadm-flags.env 没有参数，kubeadm ${version} 会停止：请使用 1.35.1 或更新版本（kubernetes/kubeadm#3279）`,
});
