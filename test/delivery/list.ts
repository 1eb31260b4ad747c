import { someTurns, within } from '../support/within.js';
import { due, Guest, Hall } from './hall.js';
import { HallController } from './hall.controller.js';
import { PATIENCE_MS } from './receiver.js';
import { firstValueFrom } from 'rxjs';

/** One promise of delivery, to be kept on every way. `play` says things; the caller compares what was received. */
export interface Promised {
  readonly promise: string;
  readonly play: (hall: Hall) => Promise<void>;
}

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** Repeatable, and hard to compress: the text must travel. */
function text(bytes: number, seed = 1): string {
  let state = seed;
  const parts: string[] = [];
  for (let length = 0; length < bytes; length += 8) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    parts.push(state.toString(36).padStart(8, '.'));
  }
  return parts.join('').slice(0, bytes);
}

/** Each of one to four bytes in UTF-8, and characters that other splitters of lines take for line ends. */
const CHARACTERS = ['a', 'é', '€', '🙂', '\u2028', '\u0085', '\u{FEFF}', '\0', '\u{10FFFF}'];

function unicode(length: number): string {
  return Array.from({ length }, (_, n) => CHARACTERS[(n * 7) % CHARACTERS.length]).join('');
}

export const list: readonly Promised[] = [
  {
    promise: 'across rooms, the order of publishing',
    play: async (hall) => {
      for (const rooms of [['a', 'b'], ['b', 'c'], ['a', 'b', 'c'], ['c']]) await hall.enter(...rooms);
      const targets = ['a', 'b', 'c', '*', ['a', 'c'], ['a', 'b', 'c'], ['c', 'b']];
      for (let n = 0; n < 150; n++) {
        hall.publish(targets[(n * 5 + Math.floor(n / 7)) % targets.length] as string, 'n', `${n}`);
        // Now within one turn, now over several.
        if (n % 11 === 0) await someTurns(n % 4);
      }
    },
  },
  {
    promise: 'a burst of several thousand events in one turn',
    play: async (hall) => {
      for (let n = 0; n < 3; n++) await hall.enter('burst', ...(n === 1 ? ['other'] : []));
      for (let n = 0; n < 4_000; n++)
        hall.publish(n % 10 === 0 ? 'other' : 'burst', 'n', `${n} ${text(n % 90)}`);
    },
  },
  {
    promise: 'events of 1 byte to 3 MiB, larger than maxQueuedBytes',
    play: async (hall) => {
      for (let n = 0; n < 2; n++) await hall.enter('sizes');
      for (const sizes of [[1], [16 * KIB - 1, 16 * KIB, 1], [MIB], [1], [3 * MIB], [1, 64 * KIB]]) {
        for (const size of sizes) hall.publish('sizes', undefined, text(size));
        await hall.caughtUp();
      }
    },
  },
  {
    promise: 'every character, wherever the pieces are cut',
    play: async (hall) => {
      await hall.enter('unicode');
      for (const shift of [0, 1, 2, 3]) {
        for (const length of [1, 10, 16 * KIB, 30_000])
          hall.publish('unicode', 'zürich🙂', 'x'.repeat(shift) + unicode(length));
        await hall.caughtUp();
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
        hall.publish('unicode', undefined, data);
    },
  },
  {
    promise: 'events to one client between those of rooms, in the order of the calls',
    play: async (hall) => {
      const [one, two] = [await hall.enter('mixed'), await hall.enter('mixed', 'more')];
      for (let n = 0; n < 300; n++) {
        if (n % 2 === 0) hall.publish('mixed', 'room', `${n}`);
        if (n % 3 === 0) hall.tell(one, 'alone', `${n} ${text(n)}`);
        if (n % 5 === 0) hall.tell(two, 'alone', `${n}`);
        if (n % 7 === 0) hall.publish(['more', 'mixed'], 'both', `${n}`);
        if (n % 50 === 0) await someTurns(2);
      }
    },
  },
  {
    promise: 'comments and retry times, in their place',
    play: async (hall) => {
      const guest = await hall.enter('quiet');
      for (let n = 1; n <= 40; n++) {
        hall.publish('quiet', 'n', `${n}`);
        hall.emit(guest, { comment: `no. ${n}` }, { text: `: no. ${n}\n`, comment: `no. ${n}` });
        guest.client.setRetry(n);
        guest.owe({ text: `retry: ${n}\n`, retry: n });
        const all = due('all', `${n}`);
        const block = { ...all, text: `: c\nretry: ${n}\n${all.text}`, comment: 'c', retry: n };
        hall.emit(guest, { comment: 'c', retry: n, type: 'all', data: `${n}` }, block);
        if (n % 10 === 0) await someTurns(2);
      }
      // A comment and a retry time end no block: the next event follows on.
      hall.tell(guest, 'end', '1');
    },
  },
  {
    promise: 'events that are sent while the stream opens, after its head',
    play: async (hall) => {
      const { sse } = hall.running;
      const dues: Parameters<Guest['owe']> = [];
      const controller = hall.running.get(HallController);
      const say = (where: string): void => {
        for (let n = 0; n < 20; n++)
          dues.push(sse.broadcast('early', where, `${n}`).then((id) => due(where, `${n}`, id)));
      };
      controller.onRequest = (client) => {
        say('in the handler');
        client.send('sent', text(20 * KIB));
        dues.push(due('sent', text(20 * KIB)));
        void Promise.resolve().then(() => say('a microtask later'));
        setImmediate(() => say('a turn later'));
      };
      const connected = firstValueFrom(sse.connected$).then(() => say('after connecting'));
      const guest = await hall.enter('early');
      controller.onRequest = () => {};
      await within(connected, 'the connection', PATIENCE_MS);
      await someTurns(5);
      say('later');
      guest.owe(...dues);
    },
  },
  {
    promise: 'the whole of a burst that the end follows in the same turn',
    play: async (hall) => {
      const ending = [await hall.enter('last'), await hall.enter('last')];
      for (let n = 0; n < 2_000; n++) hall.publish('last', 'n', `${n} ${text(200, n)}`);
      for (const guest of ending) guest.client.close();
      for (const guest of ending) await guest.endsAs('whole');
    },
  },
];
