// Amounts of CPU as Kubernetes writes them: cores ("2", "0.5"), thousandths ("500m"). Source: k8s.io/apimachinery pkg/api/resource/quantity.go.
const CPU = /^(?<number>\d+(?:\.\d+)?)(?<unit>[num]?)$/;
const UNITS: Record<string, number> = { '': 1000, m: 1, u: 0.001, n: 0.000_001 };

/** In thousandths of a core; undefined: it is none. */
export function millicores(text: string | undefined): number | undefined {
  const { number, unit } = CPU.exec(text ?? '')?.groups ?? {};
  return number === undefined ? undefined : Number(number) * UNITS[unit ?? '']!;
}
