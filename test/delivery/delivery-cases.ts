import { PATIENCE_MS, someTurns, within } from '../support/within.js';
import { firstValueFrom } from 'rxjs';
import { DeliveryController } from './delivery.controller.js';
import { expectedEvent } from './expected-event.js';
import type { DeliveryHarness } from './delivery-harness.js';
import type { TestClient } from './test-client.js';

/** One promise of delivery, that holds over every transport. `run` publishes; the caller verifies what arrived. */
export interface DeliveryCase {
  readonly promise: string;
  readonly run: (harness: DeliveryHarness) => Promise<void>;
}

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** Returns repeatable text that compresses badly, so that its bytes are really sent. */
function text(bytes: number, seed = 1): string {
  let state = seed;
  const parts: string[] = [];
  for (let length = 0; length < bytes; length += 8) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    parts.push(state.toString(36).padStart(8, '.'));
  }
  return parts.join('').slice(0, bytes);
}

/** Characters of one to four bytes in UTF-8, with some that other parsers take for line ends. */
const CHARACTERS = ['a', 'é', '€', '🙂', '\u2028', '\u0085', '\u{FEFF}', '\0', '\u{10FFFF}'];

function unicode(length: number): string {
  return Array.from({ length }, (_, n) => CHARACTERS[(n * 7) % CHARACTERS.length]).join('');
}

export const deliveryCases: readonly DeliveryCase[] = [
  {
    promise: 'events of several rooms arrive in the order of publishing',
    run: async (harness) => {
      for (const rooms of [['a', 'b'], ['b', 'c'], ['a', 'b', 'c'], ['c']])
        await harness.connectClient(...rooms);
      const targets = ['a', 'b', 'c', '*', ['a', 'c'], ['a', 'b', 'c'], ['c', 'b']];
      for (let n = 0; n < 150; n++) {
        harness.publish(targets[(n * 5 + Math.floor(n / 7)) % targets.length] as string, 'n', `${n}`);
        // Publishes within one turn, and over several.
        if (n % 11 === 0) await someTurns(n % 4);
      }
    },
  },
  {
    promise: 'a burst of several thousand events in one turn arrives whole',
    run: async (harness) => {
      for (let n = 0; n < 3; n++) await harness.connectClient('burst', ...(n === 1 ? ['other'] : []));
      for (let n = 0; n < 4_000; n++)
        harness.publish(n % 10 === 0 ? 'other' : 'burst', 'n', `${n} ${text(n % 90)}`);
    },
  },
  {
    promise: 'events of 1 byte to 3 MiB arrive, also those larger than maxQueuedBytes',
    run: async (harness) => {
      for (let n = 0; n < 2; n++) await harness.connectClient('sizes');
      for (const sizes of [[1], [16 * KIB - 1, 16 * KIB, 1], [MIB], [1], [3 * MIB], [1, 64 * KIB]]) {
        for (const size of sizes) harness.publish('sizes', undefined, text(size));
        await harness.receivedAll();
      }
    },
  },
  {
    promise: 'every character arrives, however the bytes are split into pieces',
    run: async (harness) => {
      await harness.connectClient('unicode');
      for (const shift of [0, 1, 2, 3]) {
        for (const length of [1, 10, 16 * KIB, 30_000])
          harness.publish('unicode', 'zürich🙂', 'x'.repeat(shift) + unicode(length));
        await harness.receivedAll();
      }
      for (const data of [
        '',
        ' ',
        '\n',
        'a\r\nb\rc\nd',
        '\r\n\r\n',
        ':no comment',
        'data: no field',
        '\ud83d!',
        '\ud83d',
      ])
        harness.publish('unicode', undefined, data);
    },
  },
  {
    promise: 'events to one client and events of rooms arrive in the order of the calls',
    run: async (harness) => {
      const [one, two] = [await harness.connectClient('mixed'), await harness.connectClient('mixed', 'more')];
      for (let n = 0; n < 300; n++) {
        if (n % 2 === 0) harness.publish('mixed', 'room', `${n}`);
        if (n % 3 === 0) harness.send(one, 'alone', `${n} ${text(n)}`);
        if (n % 5 === 0) harness.send(two, 'alone', `${n}`);
        if (n % 7 === 0) harness.publish(['more', 'mixed'], 'both', `${n}`);
        if (n % 50 === 0) await someTurns(2);
      }
    },
  },
  {
    promise: 'comments and retry times arrive in their place',
    run: async (harness) => {
      const client = await harness.connectClient('quiet');
      for (let n = 1; n <= 40; n++) {
        harness.publish('quiet', 'n', `${n}`);
        harness.emit(client, { comment: `no. ${n}` }, { text: `: no. ${n}\n`, comment: `no. ${n}` });
        client.sseClient.setRetry(n);
        client.expect({ text: `retry: ${n}\n`, retry: n });
        const all = expectedEvent('all', `${n}`);
        const block = { ...all, text: `: c\nretry: ${n}\n${all.text}`, comment: 'c', retry: n };
        harness.emit(client, { comment: 'c', retry: n, type: 'all', data: `${n}` }, block);
        if (n % 10 === 0) await someTurns(2);
      }
      // A comment and a retry time end no block: the next event follows on.
      harness.send(client, 'end', '1');
    },
  },
  {
    promise: 'events that are sent while the stream opens arrive after its head',
    run: async (harness) => {
      const { sse } = harness.running;
      const expected: Parameters<TestClient['expect']> = [];
      const controller = harness.running.get(DeliveryController);
      const publish = (event: string): void => {
        for (let n = 0; n < 20; n++)
          expected.push(sse.broadcast('early', event, `${n}`).then((id) => expectedEvent(event, `${n}`, id)));
      };
      controller.onRequest = (client) => {
        publish('in the handler');
        client.send('sent', text(20 * KIB));
        expected.push(expectedEvent('sent', text(20 * KIB)));
        void Promise.resolve().then(() => publish('a microtask later'));
        setImmediate(() => publish('a turn later'));
      };
      const connected = firstValueFrom(sse.connected$).then(() => publish('after connecting'));
      const client = await harness.connectClient('early');
      controller.onRequest = () => {};
      await within(connected, 'the connection', PATIENCE_MS);
      await someTurns(5);
      publish('later');
      client.expect(...expected);
    },
  },
  {
    promise: 'a burst arrives whole when the stream is closed in the same turn',
    run: async (harness) => {
      const ending = [await harness.connectClient('last'), await harness.connectClient('last')];
      for (let n = 0; n < 2_000; n++) harness.publish('last', 'n', `${n} ${text(200, n)}`);
      for (const client of ending) client.sseClient.close();
      for (const client of ending) await client.endsAs('whole');
    },
  },
];
