export {
  brokerContract,
  type BrokerContractCase,
  type BrokerContractOptions,
} from './testing/broker-contract.js';
export type { BrokerMedium } from './testing/contract-harness.js';
