import { jest } from '@jest/globals';
import { MemoryBroker, SseError, type SseClient } from 'nestjs-simple-sse';
import type { SessionChange, SessionOutcome } from '../../src/broker/session-store.interface.js';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually } from '../support/within.js';
import { SessionPage, sessionApp } from './session-app.js';

describe.each(platforms)('a session that is being restored, on $name', (platform) => {
  let running: RunningApp;
  let broker: MemoryBroker;
  let page: SessionPage;
  const changes: string[] = [];

  beforeEach(async () => {
    broker = new MemoryBroker();
    running = await platform.start(sessionApp({ broker }));
    page = new SessionPage();
    const client = await page.connect(running);
    await client.join('chat');
    await page.untilNow(running);
    await page.cut(client);
    changes.length = 0;
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.disconnectAll();
    await running.close();
  });

  /** Opens the stream again. Its claim has been made, and the answer of the store is awaited until `release`. */
  async function comeBack(): Promise<{ client: SseClient; release: () => Promise<SseClient> }> {
    let answer!: () => void;
    const isAnswered = new Promise<void>((resolve) => (answer = resolve));
    const { sessions } = broker;
    const change = sessions.change.bind(sessions);
    const made = async (list: readonly SessionChange[]): Promise<readonly SessionOutcome[]> => {
      const outcomes = await change(list);
      changes.push(...list.map((each) => each.do));
      if (list.some((each) => each.do === 'claim')) await isAnswered;
      return outcomes;
    };
    jest.spyOn(sessions, 'change').mockImplementation(made);
    const connecting = page.connect(running);
    await eventually(() => changes.includes('claim'), 'the claim');
    const [client] = running.sse.clients();
    if (client === undefined) throw new Error('no client');
    const release = (): Promise<SseClient> => {
      answer();
      return connecting;
    };
    return { client, release };
  }

  it('makes no leave again that is stored already, which would remove a later join of another node', async () => {
    const { release } = await comeBack();
    expect(await running.sse.leave({ session: page.key }, 'chat')).toBe(1);
    const { epoch, position } = broker;
    const join = { key: page.key, user: undefined, room: 'chat', epoch, position, maxRooms: 10 };
    // Another node stores the join before it tells the node of the stream, which is cut first.
    await broker.sessions.change([{ ...join, do: 'join' }]);
    const client = await release();
    expect(page.ready.restored).toEqual([]);
    await page.cut(client);
    await running.sse.broadcast('chat', 'after the join');
    await page.connect(running);
    expect(page.ready.restored).toEqual(['chat']);
    expect(await page.untilNow(running)).toEqual(['after the join']);
  });

  it('answers a leave of its client when it is stored: it cannot remove a later join', async () => {
    const { client, release } = await comeBack();
    let isAnswered = false;
    const leaving = running.sse.leave(client.id, 'chat').then(() => {
      isAnswered = true;
      return changes.includes('leave');
    });
    await new Promise(setImmediate);
    expect(isAnswered).toBe(false);
    await release();
    expect(await leaving).toBe(true);
    expect(page.ready.restored).toEqual([]);
  });

  it('stores a leave of its client also where the stream ends before the store has answered', async () => {
    const { client, release } = await comeBack();
    const leaving = running.sse.leave(client.id, 'chat');
    page.stream.close();
    await client.closed;
    release().catch(() => {});
    await leaving;
    await eventually(() => changes.lastIndexOf('end') > changes.indexOf('claim'), 'the end of the session');
    expect(changes.slice(changes.indexOf('claim'))).toEqual(['claim', 'leave', 'end']);
    jest.restoreAllMocks();
    await page.connect(running);
    expect(page.ready.restored).toEqual([]);
  });

  it('refuses a leave of its client that could not be stored before the stream has ended', async () => {
    jest
      .spyOn(broker.sessions, 'change')
      .mockRejectedValue(new SseError('broker-unavailable', 'The store is away.'));
    const connecting = page.connect(running);
    connecting.catch(() => {});
    await eventually(() => [...running.sse.clients()].length === 1, 'the client');
    const [client] = running.sse.clients();
    await eventually(() => client?.session?.isClaimed === true, 'the claim');
    const leaving = running.sse.leave(client?.id ?? '', 'chat');
    const refused = expect(leaving).rejects.toMatchObject({
      code: 'broker-unavailable',
      message: expect.stringContaining('it may have the room still') as unknown,
    });
    // A leave that nobody awaits is no unhandled rejection.
    client?.leave('chat');
    await new Promise(setImmediate);
    client?.connection.close('client-gone');
    await refused;
  });

  it('that leaves a room and joins it again receives it from the later join on', async () => {
    const { client, release } = await comeBack();
    const session = page.key;
    await running.sse.leave({ session }, 'chat');
    await running.sse.broadcast('chat', 'while it was out of the room');
    const joining = running.sse.join({ session }, 'chat');
    await eventually(() => client.isIn('chat'), 'the join');
    await release();
    await joining;
    await running.sse.broadcast('chat', 'after the join');
    expect(await page.untilNow(running)).toEqual(['after the join']);
    await page.cut(client);
    await running.sse.broadcast('chat', 'away');
    await page.connect(running);
    expect(page.ready.restored).toEqual(['chat']);
    expect(await page.untilNow(running)).toEqual(['away']);
  });
});
