import type { SseGauges, SseMetrics } from 'nestjs-simple-sse';

type Call = [method: keyof SseMetrics, ...args: unknown[]];

/** Records the arguments of every call. */
export class RecordingMetrics implements SseMetrics {
  readonly calls: Call[] = [];
  /** As `started` has received it. */
  read: () => SseGauges | undefined = () => undefined;

  clientOpened = this.#recorder('clientOpened');
  clientClosed = this.#recorder('clientClosed');
  clientRefused = this.#recorder('clientRefused');
  limitReached = this.#recorder('limitReached');
  eventPublished = this.#recorder('eventPublished');
  eventDelivered = this.#recorder('eventDelivered');
  eventSent = this.#recorder('eventSent');
  eventsReplayed = this.#recorder('eventsReplayed');
  eventWritten = this.#recorder('eventWritten');
  volatileDropped = this.#recorder('volatileDropped');
  clientResumed = this.#recorder('clientResumed');
  gapSent = this.#recorder('gapSent');
  runStarted = this.#recorder('runStarted');
  runEnded = this.#recorder('runEnded');
  brokerStateChanged = this.#recorder('brokerStateChanged');
  brokerReconnected = this.#recorder('brokerReconnected');
  brokerCalled = this.#recorder('brokerCalled');
  callbackFailed = this.#recorder('callbackFailed');
  started = (read: () => SseGauges | undefined): void => {
    this.read = read;
  };

  /** The arguments of the calls of one method. */
  of(method: keyof SseMetrics): unknown[][] {
    return this.calls.filter(([name]) => name === method).map(([, ...args]) => args);
  }

  #recorder(method: keyof SseMetrics): (...args: unknown[]) => void {
    return (...args) => void this.calls.push([method, ...args]);
  }
}
