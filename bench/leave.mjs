/**
 * Measures the time that 50,000 clients of one room block the event loop when all leave at once: this module's rooms
 * beside one RxJS subscriber per client. Runs in one process without sockets, so only the bookkeeping is measured.
 *
 *   npm run build && node bench/leave.mjs
 */
import { createRequire } from 'node:module';

const { RoomHub } = await import('../dist/rooms/room-hub.js');
const { resolveOptions } = await import('../dist/resolve-options.js');
const { Subject } = createRequire(new URL('../package.json', import.meta.url))('rxjs');

const CLIENTS = 50_000;
const ROUNDS = 5;

/** A response stub that accepts every call and does nothing. */
const silentWriter = () => ({
  isGone: false,
  isDisconnected: false,
  session: undefined,
  bufferedBytes: 0,
  watch() {},
  unwatch() {},
  open: () => true,
  write: () => true,
  writeFrames: () => true,
  end() {},
  destroy() {},
  closed: () => Promise.resolve(),
});

async function roomOfClients() {
  const hub = new RoomHub({ ...resolveOptions({}), report: (error) => console.error(error) });
  await hub.start();
  const clients = Array.from({ length: CLIENTS }, () => {
    const client = hub.register({
      request: {},
      writer: silentWriter(),
      lastEventId: undefined,
      tracked: true,
    });
    void client.join('room');
    hub.open(client, {}, undefined);
    return client;
  });
  return () => {
    for (const client of clients) client.connection.close('client-gone');
    if (hub.clients.size + hub.roomNames().length !== 0) throw new Error('something was left behind');
  };
}

async function subscriberPerClient() {
  const subject = new Subject();
  const subscriptions = Array.from({ length: CLIENTS }, () => subject.subscribe(() => {}));
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

for (const [name, prepare] of [
  ['a Set behind one subscriber (this module)', roomOfClients],
  ['one RxJS subscriber per client', subscriberPerClient],
]) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const leave = await prepare();
    const startMs = performance.now();
    leave();
    times.push(performance.now() - startMs);
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)];
  console.log(
    `${name}: ${CLIENTS.toLocaleString('en')} leave in ${median.toFixed(0)} ms (median of ${ROUNDS})`,
  );
}
process.exit(0);
