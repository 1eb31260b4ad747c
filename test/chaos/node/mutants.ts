import type { LossAnnouncer as LossAnnouncerClass } from '../../../src/broker/redis/failover/loss-announcer.js';
import type { DeliveryOrder as DeliveryOrderClass } from '../../../src/broker/redis/history/delivery-order.js';
import type { RedisBroker as RedisBrokerClass } from '../../../src/broker/redis/redis-broker.js';
import type { RoomReader as RoomReaderClass } from '../../../src/broker/redis/history/room-reader.js';
import type { EmittedMembers as EmittedMembersClass } from '../../../src/presence/emitted-members.js';
import type { PresenceReconciler as PresenceReconcilerClass } from '../../../src/presence/presence-reconciler.js';
import type { Mutant } from './messages.js';
import { mutateRuns, type RunMutant } from './run-mutants.js';

const PRESENCE = './node_modules/nestjs-simple-sse/presence';
const REDIS = './node_modules/nestjs-simple-sse/broker/redis';
const RUN_MUTANTS: readonly unknown[] = [
  'has no fence',
  'stores the end as an event that can be trimmed',
  'listens after its first read',
  'merges events across an id',
] satisfies RunMutant[];

/** Puts a fault into all brokers of this process. Resolves with a function that removes it. */
export async function mutate(mutant: Mutant | RunMutant): Promise<() => void> {
  if (isRunMutant(mutant)) return mutateRuns(mutant, './node_modules/nestjs-simple-sse');
  if (mutant === 'reads nothing after a cut') {
    const { DeliveryOrder } = (await import(`${REDIS}/history/delivery-order.js`)) as {
      DeliveryOrder: typeof DeliveryOrderClass;
    };
    // Called with its own `this`, as are the methods below.
    // oxlint-disable-next-line typescript/unbound-method
    const { catchUp } = DeliveryOrder.prototype;
    DeliveryOrder.prototype.catchUp = function (page) {
      catchUp.call(this, { ...page, messages: [], incompleteRooms: [] });
    };
    return () => (DeliveryOrder.prototype.catchUp = catchUp);
  }
  if (mutant === 'ignores idempotency keys') {
    const path = `${REDIS}/redis-broker.js`;
    const { RedisBroker } = (await import(path)) as { RedisBroker: typeof RedisBrokerClass };
    // oxlint-disable-next-line typescript/unbound-method
    const { publish } = RedisBroker.prototype;
    RedisBroker.prototype.publish = function (rooms, event, options) {
      return publish.call(this, rooms, event, { ...options, idempotencyKey: undefined });
    };
    return () => (RedisBroker.prototype.publish = publish);
  }
  if (mutant === 'announces no losses') {
    const path = `${REDIS}/failover/loss-announcer.js`;
    const { LossAnnouncer } = (await import(path)) as { LossAnnouncer: typeof LossAnnouncerClass };
    // oxlint-disable-next-line typescript/unbound-method
    const { check } = LossAnnouncer.prototype;
    LossAnnouncer.prototype.check = async () => {};
    return () => (LossAnnouncer.prototype.check = check);
  }
  if (mutant === 'compares no lists') {
    const { PresenceReconciler } = (await import(`${PRESENCE}/presence-reconciler.js`)) as {
      PresenceReconciler: typeof PresenceReconcilerClass;
    };
    // Without a listener there is no room to compare, and no change is held back.
    // oxlint-disable-next-line typescript/unbound-method
    const { enter } = PresenceReconciler.prototype;
    PresenceReconciler.prototype.enter = () => {};
    return () => (PresenceReconciler.prototype.enter = enter);
  }
  if (mutant === 'emits each change as received') {
    const { EmittedMembers } = (await import(`${PRESENCE}/emitted-members.js`)) as {
      EmittedMembers: typeof EmittedMembersClass;
    };
    // oxlint-disable-next-line typescript/unbound-method
    const { observe } = EmittedMembers.prototype;
    EmittedMembers.prototype.observe = function (change) {
      observe.call(this, change);
      return true;
    };
    return () => (EmittedMembers.prototype.observe = observe);
  }
  const { RoomReader } = (await import(`${REDIS}/history/room-reader.js`)) as {
    RoomReader: typeof RoomReaderClass;
  };
  // oxlint-disable-next-line typescript/unbound-method
  const { read } = RoomReader.prototype;
  RoomReader.prototype.read = async function (...args) {
    return { ...(await read.apply(this, args)), incompleteRooms: [] };
  };
  return () => (RoomReader.prototype.read = read);
}

function isRunMutant(mutant: Mutant | RunMutant): mutant is RunMutant {
  return RUN_MUTANTS.includes(mutant);
}
