// Amounts as Kubernetes writes them. Source: k8s.io/apimachinery pkg/api/resource/quantity.go.
import { expect, test } from 'vitest';
import { millicores, quantityOf } from '../../src/kube/quantity.ts';

test.each([
  ['2', 2],
  ['0.5', 0.5],
  ['1500m', 1.5],
  ['250u', 0.00025],
  ['128Mi', 128 * 1024 ** 2],
  ['8Gi', 8 * 1024 ** 3],
  ['3000M', 3e9],
  ['12k', 12_000],
  ['1E', 1e18],
  ['1e3', 1000],
  ['129e6', 129e6],
])('%s', (text, expected) => expect(quantityOf(text)).toBeCloseTo(expected, 6));

test.each(['', 'x', '-1', '1KiB', '1K', '1 Gi', '0x10'])('%j is none', (text) => expect(quantityOf(text)).toBeNaN());

test('of CPU in thousandths', () => expect([millicores('2'), millicores('500m'), millicores('1Gi')]).toEqual([2000, 500, undefined]));
