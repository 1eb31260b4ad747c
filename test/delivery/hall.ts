import { eventually, within } from '../support/within.js';
import { normalised, wellFormed } from '../protocol/parsed.js';
import { HallController } from './hall.controller.js';
import { PATIENCE_MS, Receiver } from './receiver.js';
import type { SseClient } from 'nestjs-simple-sse';
import type { Ending } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

/** Opens one stream in these rooms over whatever way a test is about. */
export type Connect = (running: RunningApp, rooms: readonly string[]) => Promise<Receiver>;

/** One thing that a client must have been sent: its bytes, and what a parser makes of them. */
export interface Due {
  readonly text: string;
  readonly event?: { event: string | undefined; data: string; id: string | undefined };
  readonly comment?: string;
  readonly retry?: number;
}

/** Written for these tests by the HTML standard, 9.2.5 and 9.2.6; shares no line with the module's own encoder. */
export function due(event: string | undefined, data: string, id?: string): Due {
  const lines = [
    event === undefined ? [] : `event: ${event}`,
    ...normalised(data)
      .split('\n')
      .map((line) => `data: ${line}`),
  ];
  const all = [...lines.flat(), ...(id === undefined ? [] : [`id: ${id}`]), '', ''];
  return { text: all.join('\n'), event: { event, data: normalised(data), id } };
}

/** One client, what it received and what it must have been sent. */
export class Guest {
  readonly dues: Promise<Due>[] = [];

  constructor(
    readonly receiver: Receiver,
    readonly client: SseClient,
    readonly rooms: readonly string[],
    /** Bytes before the first event of a test: `retry:` and `sse:ready`. */
    private readonly headBytes: number,
  ) {}

  /** Notes what the client must be sent next. */
  owe(...dues: (Due | Promise<Due>)[]): void {
    this.dues.push(...dues.map((next) => Promise.resolve(next)));
  }

  /** Resolves once as many bytes are here as must be. */
  async caughtUp(): Promise<void> {
    const dues = await Promise.all(this.dues);
    const bytes = dues.reduce((sum, { text }) => sum + Buffer.byteLength(text), this.headBytes);
    await this.receiver.holds(bytes);
  }

  /** Fails unless the client received what it must have been sent: no byte more, less or different. */
  async check(): Promise<void> {
    await this.caughtUp();
    const dues = await Promise.all(this.dues);
    const texts = dues.map(({ text }) => text).join('');
    sameBytes(this.receiver.body.subarray(this.headBytes), Buffer.from(texts));
    const found = this.receiver.parsed();
    const control = 1;
    const events = dues
      .flatMap(({ event }) => event ?? [])
      .map((event) => ({ ...event, data: wellFormed(event.data) }));
    expect(found.errors).toEqual([]);
    expect(found.events.length - control).toBe(events.length);
    const wrong = events.findIndex((event, n) => !sameEvent(event, found.events[n + control]));
    if (wrong >= 0) expect(found.events[wrong + control]).toEqual(events[wrong]);
    expect(found.comments).toEqual(dues.flatMap(({ comment }) => comment ?? []));
    expect(found.retries.slice(1)).toEqual(dues.flatMap(({ retry }) => retry ?? []));
  }

  async endsAs(ending: Ending): Promise<void> {
    expect(await within(this.receiver.ended, 'the end of the stream', PATIENCE_MS)).toBe(ending);
  }
}

/** A running application and the guests of one test, each with the list of what it must have been sent. */
export class Hall {
  readonly guests: Guest[] = [];

  constructor(
    readonly running: RunningApp,
    private readonly connect: Connect,
  ) {}

  async enter(...rooms: string[]): Promise<Guest> {
    const receiver = await this.connect(this.running, rooms);
    const head = /^(?:retry: \d+\n)?event: sse:ready\ndata: (\{.*\})\nid: .+\n\n/;
    await eventually(() => head.test(receiver.body.toString('latin1')), 'sse:ready', PATIENCE_MS);
    const [ready = '', data = ''] = head.exec(receiver.body.toString('latin1')) ?? [];
    const { clientId } = JSON.parse(data) as { clientId: string };
    const client = [...this.running.sse.clients()].find(({ id }) => id === clientId);
    if (client === undefined) throw new Error(`no client ${clientId} on the server`);
    const guest = new Guest(receiver, client, rooms, ready.length);
    this.guests.push(guest);
    return guest;
  }

  /** Broadcasts in this very turn, and notes it for every guest who must hear it. */
  publish(room: string | readonly string[], event: string | undefined, data: string): void {
    const id = this.running.sse.broadcast(room, event, data);
    const noted = id.then((known) => due(event, data, known));
    const heardIn = [room].flat();
    for (const guest of this.guests)
      if (heardIn.some((name) => name === '*' || guest.rooms.includes(name))) guest.owe(noted);
  }

  /** Sends to one guest alone. */
  tell(guest: Guest, event: string, data: string): void {
    expect(guest.client.send(event, data)).toBe(true);
    guest.owe(due(event, data));
  }

  /** Emits a message from the guest's own handler. */
  emit(guest: Guest, message: object, expected: Due): void {
    const source = this.running.get(HallController).sources.get(guest.client.id);
    if (source === undefined) throw new Error('the handler has returned no source');
    source.next(message);
    guest.owe(expected);
  }

  async caughtUp(): Promise<void> {
    for (const guest of this.guests) await guest.caughtUp();
  }

  async check(): Promise<void> {
    for (const guest of this.guests) await guest.check();
  }

  async leave(): Promise<void> {
    for (const { receiver } of this.guests) receiver.close();
    this.guests.length = 0;
    await eventually(() => this.running.sse.count() === 0, 'every client forgotten');
  }
}

/** Fails where two byte strings differ, and says where: a diff of megabytes helps nobody. */
export function sameBytes(actual: Buffer, expected: Buffer): void {
  if (actual.equals(expected)) return;
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  const around = (bytes: Buffer): string =>
    JSON.stringify(bytes.toString('utf8', Math.max(0, at - 80), at + 80));
  throw new Error(
    `${actual.length} bytes instead of ${expected.length}, different from byte ${at} on: ` +
      `${around(actual)} instead of ${around(expected)}`,
  );
}

function sameEvent(one: NonNullable<Due['event']>, other: Due['event']): boolean {
  return other !== undefined && one.event === other.event && one.data === other.data && one.id === other.id;
}
