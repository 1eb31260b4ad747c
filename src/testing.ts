export {
  brokerContract,
  type BrokerContractCase,
  type BrokerContractOptions,
} from './testing/broker-contract.js';
export type { BrokerFixture } from './testing/contract-harness.js';
