import {
  differencesOf,
  judgePresence,
  memberText,
  replayChanges,
  type PresenceRecord,
  type PresenceVerdict,
  type ReceivedChange,
} from '../oracle/presence-judge.js';
import type { DispatchedEvent } from '../oracle/event-source-reader.js';
import { TestClient } from '../oracle/test-client.js';
import { eventually, pause } from '../support/within.js';
import type { ChaosClient } from './chaos-client.js';
import type { Fleet } from './fleet.js';

/** A safety net for slow machines: changes that were missed are emitted within some seconds. */
const TIMEOUT_MS = 60_000;

/** A browser that stays connected to one node, without being a member. */
class PresenceClient extends TestClient {
  readonly received: ReceivedChange[] = [];
  isReady = false;
  protected readonly isSteady = true;

  constructor() {
    super(true);
  }

  open(url: string): void {
    void this.connect(url);
  }

  close(): void {
    this.request?.destroy();
  }

  protected override bytesUntilCut(): number {
    return Infinity;
  }

  protected override onRefusal(): void {}

  protected override receive({ type, data }: DispatchedEvent): void {
    this.isReady ||= type === 'sse:ready';
    if (type !== 'sse:join' && type !== 'sse:leave') return;
    const { room, user } = JSON.parse(data) as { room: string; user: string };
    this.received.push({ type: type === 'sse:join' ? 'join' : 'leave', room, user });
  }
}

/** Records the changes of presence that services and browsers of each node receive, and compares them with the lists. */
export class PresenceWatch {
  readonly #fleet: Fleet;
  readonly #rooms: readonly string[];
  readonly #clients: readonly PresenceClient[];

  private constructor(fleet: Fleet, rooms: readonly string[]) {
    this.#fleet = fleet;
    this.#rooms = rooms;
    this.#clients = fleet.nodes.map(() => new PresenceClient());
  }

  /** Resolves when every node receives the changes. To be called before there is a member. */
  static async start(fleet: Fleet, rooms: readonly string[]): Promise<PresenceWatch> {
    const watch = new PresenceWatch(fleet, rooms);
    await Promise.all(fleet.nodes.map((node) => node.watchPresence(rooms)));
    const query = new URLSearchParams({ rooms: rooms.join(',') }).toString();
    for (const [index, client] of watch.#clients.entries())
      client.open(`${fleet.node(index).url}/events?${query}`);
    await eventually(() => watch.#clients.every(({ isReady }) => isReady), 'the observers', TIMEOUT_MS);
    return watch;
  }

  /**
   * Ends half of the streams, and waits until the lists of all nodes name the users of the others, and the changes lead to the
   * lists. Resolves after `TIMEOUT_MS` where they do not, which the verdict shows.
   */
  async judge(clients: readonly ChaosClient[], timeoutMs = TIMEOUT_MS): Promise<PresenceVerdict> {
    const staying = clients.filter((_, index) => index % 2 === 0);
    for (const client of clients) if (!staying.includes(client)) client.detach();
    const expected = new Set(
      staying.flatMap(({ rooms, user = '' }) =>
        rooms.filter((room) => this.#rooms.includes(room)).map((room) => memberText(room, user)),
      ),
    );
    const hasConverged = async (): Promise<boolean> =>
      (await Promise.all([this.#lists(), pause(50)]))[0].every(
        (list) => differencesOf(list, expected) === 0,
      ) && this.#records.every((record) => differencesOf(replayChanges(record).members, expected) === 0);
    await eventually(hasConverged, 'the changes that lead to the lists', timeoutMs).catch(() => {});
    const verdict = judgePresence(this.#records, expected);
    for (const list of await this.#lists()) verdict.presenceDifferences += differencesOf(list, expected);
    return verdict;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  get #records(): PresenceRecord[] {
    return [
      ...this.#fleet.nodes.map(({ changes }) => changes),
      ...this.#clients.map(({ received }) => received),
    ];
  }

  #lists(): Promise<Set<string>[]> {
    return Promise.all(
      this.#fleet.nodes.map(async (node) => {
        const members = await node.listMembers(this.#rooms);
        return new Set(members.map(({ room, user }) => memberText(room, user)));
      }),
    );
  }
}
