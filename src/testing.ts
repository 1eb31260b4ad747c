export {
  brokerContract,
  type BrokerContractCase,
  type BrokerContractOptions,
} from './testing/broker-contract.js';
export type { BrokerFixture } from './testing/contract-harness.js';
export { createSseServiceMock, SseServiceMock } from './testing/mock/sse-service-mock.js';
export type { PublishedEvent, SseMockOptions } from './testing/mock/sse-service-mock.js';
export { SseTestingModule } from './testing/mock/sse-testing.module.js';
export { closeTestStreams, openTestStream } from './testing/streams/open-test-stream.js';
export type { TestStreamEnd } from './testing/streams/test-connection.js';
export type { TestEvent, TestGap } from './testing/streams/test-event.js';
export { TestStream } from './testing/streams/test-stream.js';
export type {
  TestReconnectOptions,
  TestStreamOptions,
  TestWaitOptions,
} from './testing/streams/test-stream-options.interface.js';
export { TestStreamError } from './testing/streams/test-stream-error.js';
