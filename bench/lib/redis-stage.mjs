import { setTimeout as sleep } from 'node:timers/promises';
import { nowMicros } from './clock.mjs';
import { RedisServer } from './redis-server.mjs';
import { ChildProcess } from './rpc.mjs';
import { Stage } from './stage.mjs';

/** Time in which Redis still writes to subscribers after its last reply to a publisher. */
const SETTLE_MS = 100;
const LIVE_TIMEOUT_MS = 20_000;

/** One peer as two nodes that share a redis-server of their own: one publishes, the other one has the clients. */
export class RedisStage extends Stage {
  constructor(peer, options) {
    super(peer, options);
    this.publisher = new ChildProcess(
      `publisher ${peer.id}`,
      new URL('../server/main.mjs', import.meta.url),
      { execArgv: ['--expose-gc'] },
    );
  }

  async open() {
    this.redis = await RedisServer.start();
    this.startOptions = { ...this.startOptions, redisUrl: this.redis.url };
    this.publisherAddress = await this.publisher.call('start', {
      id: this.peer.id,
      options: this.startOptions,
    });
    await super.open();
  }

  /** Exchanges the nodes: clients connect to the previous publisher, and the other node publishes. */
  swapNodes() {
    [this.server, this.publisher] = [this.publisher, this.server];
    [this.address, this.publisherAddress] = [this.publisherAddress, this.address];
  }

  /** Subscribes the node with the clients to rooms without clients. */
  follow(rooms) {
    return this.server.call('ask', { what: 'follow', rooms });
  }

  /** CPU time of Redis for each of `count` publishes to these rooms in turn, in microseconds. */
  async redisCpuPerPublish({ rooms, bytes, count }) {
    const before = await this.redis.cpuMicros();
    await this.publisher.call('publishWindowed', { rooms, bytes, count });
    await sleep(SETTLE_MS);
    return ((await this.redis.cpuMicros()) - before) / count;
  }

  /** Cuts every subscriber of this Redis. */
  async cutSubscribers() {
    await this.server.call('ask', { what: 'forgetStates' });
    const at = nowMicros();
    await this.redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    return at;
  }

  /** Resolves with the time at which the node with the clients is live again. */
  async liveAgain() {
    const deadline = Date.now() + LIVE_TIMEOUT_MS;
    for (;;) {
      const states = await this.server.call('ask', { what: 'states' });
      const last = states.at(-1);
      if (states.length > 1 && last.state === 'live') return last.at;
      if (Date.now() > deadline) throw new Error(`not live again: ${JSON.stringify(states)}`);
      await sleep(5);
    }
  }

  /** Returns the number of history reads in Redis by the node with the clients since its start. */
  reads() {
    return this.server.call('ask', { what: 'reads' });
  }

  async close() {
    await Promise.all([super.close(), this.publisher.stop()]);
    await this.redis?.close();
  }
}
