/**
 * The floor of the Redis family: PUBLISH at one node, SUBSCRIBE at the other, over the library that the module uses
 * (the root's copy), and from there the floor's bare sockets. Nothing is stored, and a lost event is not recovered.
 */
import { start as startFloor } from './net-floor.mjs';
import { withoutRedis } from './without-redis.mjs';

export const unavailable = withoutRedis;

/** The room that has clients. */
const ROOM = '0';

export async function start({ driver, redisUrl, ...options }) {
  const floor = await startFloor(options);
  const redis = await (driver === 'ioredis' ? ioredis : nodeRedis)(redisUrl, floor.publish);
  await redis.subscribe([ROOM]);
  return {
    ...floor,
    publish: redis.publish,
    async follow({ rooms }) {
      for (let first = 0; first < rooms.length; first += 500) {
        await redis.subscribe(rooms.slice(first, first + 500));
      }
    },
  };
}

async function ioredis(url, onMessage) {
  const { Redis } = await import('ioredis');
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  subscriber.on('message', onMessage);
  return {
    publish: (room, data) => publisher.publish(room, data),
    subscribe: (rooms) => subscriber.subscribe(...rooms),
  };
}

async function nodeRedis(url, onMessage) {
  const { createClient } = await import('redis');
  const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return {
    publish: (room, data) => publisher.publish(room, data),
    subscribe: (rooms) => subscriber.subscribe(rooms, (data, room) => onMessage(room, data)),
  };
}
