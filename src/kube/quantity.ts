// Amounts of CPU as Kubernetes writes them: cores ("2", "0.5"), thousandths ("500m"). Source: k8s.io/apimachinery pkg/api/resource/quantity.go.
const CPU = /^(?<number>\d+(?:\.\d+)?)(?<unit>[num]?)$/;
const UNITS: Record<string, number> = { '': 1000, m: 1, u: 0.001, n: 0.000_001 };

/** In thousandths of a core; undefined: it is none. */
export function millicores(text: string | undefined): number | undefined {
  const { number, unit } = CPU.exec(text ?? '')?.groups ?? {};
  return number === undefined ? undefined : Number(number) * UNITS[unit ?? '']!;
}

const QUANTITY = /^(?<number>\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?)(?<unit>[KMGTPE]i|[numkMGTPE]?)$/;
const [DECIMAL, BINARY] = ['kMGTPE', 'KMGTPE'];

/** Any amount, in its base unit (cores, bytes); NaN: it is none. */
export function quantityOf(text: string): number {
  const { number, unit = '' } = QUANTITY.exec(text)?.groups ?? {};
  if (number === undefined) return Number.NaN;
  if (unit.endsWith('i')) return Number(number) * 1024 ** (BINARY!.indexOf(unit.charAt(0)) + 1);
  const small = UNITS[unit];
  return Number(number) * (small === undefined ? 1000 ** (DECIMAL!.indexOf(unit) + 1) : small / 1000);
}
