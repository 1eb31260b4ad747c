import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes } from '@opentelemetry/api';
import type { SseTracing, TracedEvent } from '../tracing/sse-tracing.interface.js';

const SCOPE = 'nestjs-simple-sse';

/**
 * Traces for OpenTelemetry, with the global tracer provider and propagator: for the option `tracing`. A publish is a span of
 * the kind `PRODUCER`, child of the caller's span; each node that delivers the event adds a child of it of the kind `CONSUMER`.
 * Without a registered SDK nothing is added to events.
 *
 * ```ts
 * SseModule.forRoot({ tracing: openTelemetryTracing() })
 * ```
 */
export function openTelemetryTracing(): SseTracing {
  const tracer = trace.getTracer(SCOPE);
  return {
    publishStarted(event) {
      const attributes = attributesOf(event, 'publish', 'send');
      const span = tracer.startSpan('publish sse', { kind: SpanKind.PRODUCER, attributes });
      const carrier: Record<string, string> = {};
      propagation.inject(trace.setSpan(context.active(), span), carrier);
      return {
        trace: carrier,
        end(error) {
          if (error !== undefined) {
            if (error instanceof Error) span.recordException(error);
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },
    deliveryStarted(event, carrier) {
      const attributes = attributesOf(event, 'deliver', 'process');
      const parent = propagation.extract(ROOT_CONTEXT, carrier);
      const span = tracer.startSpan('deliver sse', { kind: SpanKind.CONSUMER, attributes }, parent);
      return {
        end(clients) {
          span.setAttribute('sse.clients', clients);
          span.end();
        },
      };
    },
  };
}

function attributesOf({ event, rooms }: TracedEvent, name: string, type: string): Attributes {
  return {
    'messaging.system': 'sse',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    'sse.rooms': rooms,
    ...(event !== undefined && { 'sse.event': event }),
  };
}
