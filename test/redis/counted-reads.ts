import { jest } from '@jest/globals';
import { IoredisDriver } from '../../src/broker/redis/driver/ioredis-driver.js';
import { NodeRedisDriver } from '../../src/broker/redis/driver/node-redis-driver.js';
import { READ_SCRIPT } from '../../src/broker/redis/data/read-script.js';
import type { RedisConnection, RedisDriver } from '../../src/broker/redis/driver/redis-driver.interface.js';

/** Counts the history reads that reach Redis, both for resumes and for the nodes themselves. */
export class CountedReads {
  count = 0;

  /** Counts until `jest.restoreAllMocks()`. */
  constructor() {
    this.#watch(IoredisDriver.prototype);
    this.#watch(NodeRedisDriver.prototype);
  }

  #watch(prototype: RedisDriver): void {
    // Called with its own `this`.
    // oxlint-disable-next-line typescript/unbound-method
    const { connect } = prototype;
    const counted = (connection: RedisConnection): RedisConnection => {
      const send = connection.send.bind(connection);
      return Object.defineProperty(connection, 'send', {
        value: (args: readonly string[]) => {
          if (args[1] === READ_SCRIPT.sha) this.count++;
          return send(args);
        },
      });
    };
    jest.spyOn(prototype, 'connect').mockImplementation(function (this: RedisDriver, events) {
      return counted(connect.call(this, events));
    });
  }
}
