import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/kubernetes');
/** The bundle of the webhook whose certificates have all expired. */
const EXPIRED = /caBundle: (\S{200,}?)[,}\s]/.exec(readFileSync(join(FIXTURES, 'webhook-certificate/found.yaml'), 'utf8'))![1]!;
/** The first of its CRDs. */
const [HEALTHY = ''] = readFileSync(join(FIXTURES, 'crd-conversion-webhook/healthy.yaml'), 'utf8').split(/^# With one version/m);
const bundle = (text: string): Raw => parse(HEALTHY.replace(/caBundle: .*/, `caBundle: ${text}`)) as Raw;
const NOT_ONE = Buffer.from('no certificate').toString('base64');
/** What it holds, and one that cannot be read. */
const [, VALID = ''] = /caBundle: ([\w+/=]+)/.exec(HEALTHY)!;
const ODD_PEM = '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n';
const HALF = Buffer.from(`${Buffer.from(VALID, 'base64')}${ODD_PEM}`).toString('base64');
const NO_REVIEW = parse(HEALTHY.replace('conversionReviewVersions: [v1]', 'conversionReviewVersions: [v2]')) as Raw;
const BOTH_REVIEWS = parse(HEALTHY.replace('conversionReviewVersions: [v1]', 'conversionReviewVersions: [v2, v1]')) as Raw;
const OTHER_PORT = parse(HEALTHY.replace(/service: \{/, 'service: {port: 8443, ')) as Raw;
const ORDERS = 'blocker CustomResourceDefinition/orders.shop.example.com';

const converter = (spec: Raw): Raw => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'policy-guard', namespace: 'webhooks' },
  spec,
});

grid('kubernetes/crd-conversion-webhook', [
  { fixture: 'found', expect: [ORDERS, 'blocker CustomResourceDefinition/carts.shop.example.com'] },
  { fixture: 'healthy', expect: 'passed' },
  { objects: [bundle(EXPIRED)], expect: ORDERS },
  // From 1.31 on such a CRD is not established.
  { objects: [bundle(NOT_ONE)], server: 'v1.31.14', expect: ORDERS, says: ['not a certificate: the API server does not serve it'] },
  {
    objects: [bundle(NOT_ONE)],
    server: 'v1.30.4',
    to: 'kubernetes=1.31',
    expect: ORDERS,
    says: ['not a certificate: from 1.31 on the API server'],
  },
  { objects: [bundle(HALF)], server: 'v1.31.14', expect: ORDERS },
  { objects: [bundle(NOT_ONE)], server: 'v1.29.15', to: 'kubernetes=1.30', expect: 'passed' },
  { objects: [NO_REVIEW], expect: ORDERS },
  { objects: [OTHER_PORT], expect: ORDERS, says: ['by port 8443 of Service ', 'a port that this Service does not have'] },
  { fixture: 'healthy', objects: [BOTH_REVIEWS], expect: 'passed' },
  {
    fixture: 'healthy',
    objects: [converter({ clusterIP: 'None', ports: [{ port: 443 }] })],
    expect: 'unknown',
    says: ['is converted by headless Service '],
  },
  {
    fixture: 'healthy',
    objects: [converter({ type: 'ExternalName', externalName: 'convert.example.com' })],
    expect: 'unknown',
    says: ['of type ExternalName'],
  },
  { expect: 'passed' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
