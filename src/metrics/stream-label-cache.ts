import type { StreamLabels } from './sse-metrics.interface.js';

/** Endpoints that are distinguished. Routes come from the code, so only an application that makes them from data has more. */
const MAX_ENDPOINTS = 100;

const OTHER = 'other';

export const OTHER_STREAM: StreamLabels = { endpoint: OTHER, transport: 'http/1.1' };

/** The parts of a request of Express, Fastify or Node that name its route and its transport. */
interface RoutedRequest {
  /** Express. */
  readonly route?: { readonly path?: unknown };
  /** Fastify. */
  readonly routeOptions?: { readonly url?: unknown };
  readonly raw?: { readonly httpVersionMajor?: unknown };
  readonly httpVersionMajor?: unknown;
}

/** Labels of streams. Equal labels are one object, so that open streams store none. */
export class StreamLabelCache {
  readonly #endpoints = new Map<string, Record<StreamLabels['transport'], StreamLabels>>([
    [OTHER, labelsOfEndpoint(OTHER)],
  ]);

  readonly of = (request: unknown): StreamLabels => {
    const { route, routeOptions, raw, httpVersionMajor } = (request ?? {}) as RoutedRequest;
    const path = route?.path ?? routeOptions?.url;
    const labels = this.#labelsOf(typeof path === 'string' ? path : OTHER);
    return labels[(raw?.httpVersionMajor ?? httpVersionMajor) === 2 ? 'h2' : 'http/1.1'];
  };

  #labelsOf(endpoint: string): Record<StreamLabels['transport'], StreamLabels> {
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined) return known;
    // `OTHER` is no endpoint of its own.
    if (this.#endpoints.size > MAX_ENDPOINTS) return this.#labelsOf(OTHER);
    const labels = labelsOfEndpoint(endpoint);
    this.#endpoints.set(endpoint, labels);
    return labels;
  }
}

function labelsOfEndpoint(endpoint: string): Record<StreamLabels['transport'], StreamLabels> {
  return { 'http/1.1': { endpoint, transport: 'http/1.1' }, h2: { endpoint, transport: 'h2' } };
}
