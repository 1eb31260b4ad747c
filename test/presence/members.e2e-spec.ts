import type { PresenceChange, SseModuleOptions } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { sseRefusal } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, someTurns } from '../support/within.js';
import { changesIn, changesOf, PresenceController, presenceApp, membersIn } from './presence-app.js';

describe.each(platforms)('presence on one node, on $name', (platform) => {
  let running: RunningApp;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(presenceApp({ presenceGraceMs: false, ...options }));
  }
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('reports one join and one leave for a user with two tabs, and counts both', async () => {
    await start();
    const changes = changesOf(running, 'chat');
    const host = await running.listen('/rooms/chat?user=host');
    const one = await running.listen('/rooms/chat?user=7&name=Ann');
    const two = await running.listen('/rooms/chat?user=7&name=Ann');
    await eventually(async () => (await membersIn(running, 'chat')).join() === '7 2,host 1', 'both tabs');
    expect(await running.sse.presence('chat')).toEqual([
      { user: '7', info: { name: 'Ann' }, connections: 2 },
      { user: 'host', connections: 1 },
    ]);
    expect(await running.sse.presenceCount('chat')).toEqual({ users: 2, connections: 3 });
    one.close();
    await eventually(async () => (await membersIn(running, 'chat')).join() === '7 1,host 1', 'one tab');
    two.close();
    await eventually(async () => (await membersIn(running, 'chat')).join() === 'host 1', 'no tab');
    expect(changes).toEqual(['join host', 'join 7', 'leave 7']);
    await eventually(() => changesIn(host).length === 3, 'the leave');
    expect(changesIn(host)).toEqual(['join host', 'join 7', 'leave 7']);
    expect(JSON.parse(host.events.at(-1)?.data ?? '')).toEqual({
      room: 'chat',
      user: '7',
      info: { name: 'Ann' },
    });
  });

  it('reports no leave for a page that reloads within the grace time', async () => {
    await start({ presenceGraceMs: 600_000 });
    const changes = changesOf(running, 'chat');
    for (let load = 0; load < 3; load++) {
      const page = await running.listen('/rooms/chat?user=7');
      await eventually(async () => (await membersIn(running, 'chat')).join() === '7 1', 'the page');
      page.close();
      await eventually(async () => (await membersIn(running, 'chat')).join() === '7 0', 'no page');
    }
    expect(changes).toEqual(['join 7']);
    expect(await running.sse.presenceCount('chat')).toEqual({ users: 1, connections: 0 });
  });

  it('reports a leave for a user who does not reconnect within the grace time', async () => {
    await start({ presenceGraceMs: 20 });
    const changes = changesOf(running, 'chat');
    (await running.listen('/rooms/chat?user=7')).close();
    await eventually(() => changes.length === 2, 'the leave');
    expect(changes).toEqual(['join 7', 'leave 7']);
    expect(await running.sse.presence('chat')).toEqual([]);
  });

  it('reports a leave at once, whatever the grace time, when the application removes a client from a room', async () => {
    await start({ presenceGraceMs: 600_000 });
    const changes = changesOf(running, 'chat');
    const page = await running.listen('/rooms/chat?user=7');
    const [client] = running.get(PresenceController).clients;
    client?.leave('chat');
    expect(changes).toEqual(['join 7', 'leave 7']);
    await client?.join('chat');
    await client?.join('quiet');
    expect(await membersIn(running, 'quiet')).toEqual(['7 1']);
    client?.leave('*');
    expect([await membersIn(running, 'quiet'), await membersIn(running, 'chat')]).toEqual([[], []]);
    page.close();
  });

  it('sends join and leave without an id, only to their room, and never replays them', async () => {
    await start();
    const chat = await running.listen('/rooms/chat?user=1');
    const quiet = await running.listen('/rooms/quiet?user=2');
    const plain = await running.listen('/plain?user=3');
    const other = await running.listen('/rooms/chat-2?user=4');
    (await running.listen('/rooms/chat?user=5')).close();
    await eventually(() => changesIn(chat).length === 3, 'join, join, leave');
    const position = await running.sse.broadcast('*', 'end', 1);
    const [, , plainClient] = running.get(PresenceController).clients;
    plainClient?.send('end', 1);
    for (const stream of [chat, quiet, other, plain]) {
      await eventually(() => stream.events.some(({ event }) => event === 'end'), 'the end');
    }
    expect(changesIn(chat)).toEqual(['join 1', 'join 5', 'leave 5']);
    expect([changesIn(quiet), changesIn(plain), changesIn(other)]).toEqual([[], [], ['join 4']]);
    const blocks = chat.rawText.split('\n\n').filter((block) => /^event: sse:(join|leave)$/m.test(block));
    expect(blocks).toHaveLength(3);
    expect(blocks.filter((block) => /^id:/m.test(block))).toEqual([]);

    const again = await running.listen('/rooms/chat', { headers: { 'last-event-id': position ?? '' } });
    await running.sse.broadcast('chat', 'end', 2);
    await again.nextEvent();
    expect(changesIn(again)).toEqual([]);
  });

  it('reports the changes of a room without presence events to the application only', async () => {
    await start();
    const changes: PresenceChange[] = [];
    const subscription = running.sse.presence$('quiet').subscribe((change) => changes.push(change));
    const messages: unknown[] = [];
    running.sse.stream('quiet').subscribe((message) => messages.push(message));
    (await running.listen('/rooms/quiet?user=7&name=Ann')).close();
    await eventually(() => changes.length === 2, 'join and leave');
    const user = { room: 'quiet', user: '7', info: { name: 'Ann' } };
    expect(changes).toEqual([
      { type: 'join', ...user },
      { type: 'leave', ...user },
    ]);
    expect(messages).toEqual([]);
    subscription.unsubscribe();
    (await running.listen('/rooms/quiet?user=8')).close();
    await someTurns();
    expect(changes).toHaveLength(2);
  });

  it('does not count a client without an identity or with an invalid one as a member', async () => {
    await start();
    await running.listen('/rooms/chat');
    await running.listen('/rooms/chat?user=trouble');
    await running.listen(`/rooms/chat?user=${'x'.repeat(256)}`);
    await running.listen(`/rooms/chat?user=7&name=${'x'.repeat(5_000)}`);
    await running.sse.broadcast('chat', 'x', 1);
    expect(await running.sse.presence('chat')).toEqual([]);
    const { clients } = running.get(PresenceController);
    expect(clients.map(({ user }) => user)).toEqual([undefined, undefined, undefined, undefined]);
    const complaints = running.logger.complaints.map(({ text }) => text).join('\n');
    for (const part of ['cannot identify', '1 to 255 characters', 'at most 4096 characters']) {
      expect(complaints).toContain(part);
    }
  });

  it('identifies a client as soon as its stream opens, also outside of rooms with presence', async () => {
    await start();
    const users: unknown[] = [];
    running.sse.connected$.subscribe(({ client }) => users.push(client.user));
    await running.listen('/plain?user=7');
    await running.listen('/rooms/other?user=8');
    expect(users).toEqual(['7', '8']);
  });

  it('does not count a refused request', async () => {
    await start();
    const changes = changesOf(running, 'chat');
    const refused = await running.open('/rooms/chat%2F7?user=7');
    expect(refused.status).toBe(400);
    const head = await running.open('/rooms/chat?user=7', { method: 'HEAD' });
    expect(head.status).toBe(200);
    await someTurns();
    expect([changes, await running.sse.presence('chat')]).toEqual([[], []]);
  });

  it('accepts any printable text as a user, and any text as its info', async () => {
    await start();
    const name = '"zürich" 🙂 {0}';
    const infoName = 'line\nbreak \u2028';
    for (const user of [name, '__proto__', ' ']) {
      await running.listen(
        `/rooms/chat?user=${encodeURIComponent(user)}&name=${encodeURIComponent(infoName)}`,
      );
    }
    const found = await running.sse.presence('chat');
    expect(found.map(({ user }) => user).toSorted()).toEqual([name, '__proto__', ' '].toSorted());
    expect(found.map(({ info }) => info)).toEqual([
      { name: infoName },
      { name: infoName },
      { name: infoName },
    ]);
  });

  it('refuses a room without presence and an empty room name', async () => {
    await start();
    for (const call of [
      () => running.sse.presence('other'),
      () => running.sse.presenceCount('other'),
      () => running.sse.presence$('other'),
      () => running.sse.disconnect({ room: 'other', where: () => true }),
    ]) {
      const { code, message } = await sseRefusal(call);
      expect([code, message]).toEqual(['no-presence', expect.stringContaining('"other"')]);
    }
    expect((await sseRefusal(() => running.sse.presence(''))).code).toBe('invalid-room');
  });

  it('refuses presence of all clients, whatever the patterns in the options', async () => {
    await start({ rooms: { '*': { presence: true } } });
    await running.listen('/rooms/any?user=7');
    expect(await membersIn(running, 'any')).toEqual(['7 1']);
    expect((await sseRefusal(() => running.sse.presence('*'))).message).toContain('"online"');
  });

  it('completes the changes and refuses presence() after the application has closed', async () => {
    await start();
    let completed = false;
    running.sse.presence$('chat').subscribe({ complete: () => (completed = true) });
    await running.shutDown();
    expect(completed).toBe(true);
    expect((await sseRefusal(() => running.sse.presence('chat'))).code).toBe('broker-closed');
  });
});
