import { eventually } from '../support/within.js';
import { expectStrictPolicy, expectWholePage } from './page-rules.js';
import { SampleApp, SampleClient } from './sample-app.js';

const tabKey = (digit: string): string => digit.repeat(32);

describe('the quick start, over HTTP', () => {
  let app: SampleApp;

  beforeAll(async () => {
    app = await SampleApp.start();
  });
  afterAll(() => app.close());

  describe('the page', () => {
    it('has a policy that allows this server alone, and nothing inline', () => expectStrictPolicy(app.url));

    it('has every file that it requests, and none from another server', async () => {
      const files = await expectWholePage(app.url);
      expect(files).toContain('/assets/uPlot.esm.js');
      expect(files).toContain('/client/connection/connection.js');
    });

    it('serves no other file', async () => {
      for (const path of ['/assets/package.json', '/assets/..%2fmain.js', '/assets/index.html']) {
        expect([path, (await app.get(path)).status]).toEqual([path, 404]);
      }
    });
  });

  describe('streams for curl', () => {
    it('/stats/events sends the figures of this process, numbered without a gap', async () => {
      const stream = await app.listen('/stats/events');
      expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
      const events = await stream.nextEvents(3);
      const [first, ...others] = events.map(({ data }): Record<string, number> => JSON.parse(data));
      expect(events.map(({ event }) => event)).toEqual(['stats', 'stats', 'stats']);
      expect(others.map((sample) => (sample['seq'] ?? 0) - (first?.['seq'] ?? 0))).toEqual([1, 2]);
      for (const figure of ['cpuPercent', 'heapMiB', 'rssMiB', 'loopMeanMs', 'loopMaxMs']) {
        expect(first?.[figure]).toEqual(expect.any(Number));
      }
      expect(first?.['clients']).toBeGreaterThan(0);
      expect(await (await app.get('/stats/recent')).json()).toContainEqual(first);
    });

    it('/chat/rooms/:room/events receives the events of a room without being counted among its members', async () => {
      const listener = await app.listen('/chat/rooms/quiet/events');
      const client = await SampleClient.connect(app);
      expect(await client.post('/chat/rooms/quiet/join')).toEqual({
        status: 200,
        body: { room: 'quiet', members: 1 },
      });
      await client.postMessage('quiet', 'psst');
      const [join, notice, message] = (await listener.nextEvents(3))
        .toSorted((a, b) => Number(b.event === 'sse:join') - Number(a.event === 'sse:join'))
        .map(({ data }) => JSON.parse(data) as unknown);
      const { memberId, nickname } = client.welcome;
      expect(join).toEqual({ room: 'chat/quiet', user: memberId, info: { nickname } });
      expect(await (await app.get('/chat/rooms/quiet/present')).json()).toEqual([{ memberId, nickname }]);
      expect(notice).toMatchObject({ kind: 'joined', members: 1, seq: 1 });
      expect(message).toMatchObject({ room: 'quiet', text: 'psst', seq: 2 });
    });

    it.each([
      ['/events?tab=short', /^tab: 32 hexadecimal digits/],
      [`/events?tab=${tabKey('A')}`, /^tab: /],
      [`/events?nickname=${'x'.repeat(25)}`, /^nickname: 1 to 24/],
      ['/events?nickname=a%0Ab', /^nickname: /],
      ['/chat/rooms/Not%20A%20Room/events', /^room: 1 to 24/],
    ])('%s is a 400 and no stream', async (path, message) => {
      const response = await app.get(path);
      const body: unknown = await response.json();
      expect(response.status).toBe(400);
      expect(body).toEqual(expect.objectContaining({ message: expect.stringMatching(message) }));
    });
  });

  describe('a request for a tab', () => {
    let client: SampleClient;

    beforeAll(async () => {
      client = await SampleClient.connect(app, `?nickname=Ann&tab=${tabKey('a')}`);
      await client.post('/chat/rooms/open/join');
    });

    it.each([
      ['/chat/rooms/UPPER/join', {}, /^room: 1 to 24 of a-z, 0-9/],
      ['/chat/rooms/-dash/join', {}, /^room: /],
      [`/chat/rooms/${'r'.repeat(25)}/join`, {}, /^room: /],
      ['/chat/rooms/chat%2Fopen/join', {}, /^room: /],
      ['/chat/rooms/*/leave', {}, /^room: /],
      ['/chat/rooms/open/messages', {}, /^text: 1 to 500/],
      ['/chat/rooms/open/messages', { text: '   ' }, /^text: /],
      ['/chat/rooms/open/messages', { text: 7 }, /^text: /],
      ['/chat/rooms/open/messages', { text: ['a'] }, /^text: /],
      ['/chat/rooms/open/messages', { text: 'x'.repeat(501) }, /^text: /],
      ['/chat/rooms/open/messages', { text: 'a\u202eb' }, /^text: /],
      ['/chat/nickname', { nickname: '' }, /^nickname: 1 to 24/],
      ['/chat/nickname', { nickname: 'a\u0000' }, /^nickname: /],
    ])('POST %s with %j is a 400 whose message names what is allowed', async (path, body, message) => {
      const answer = await client.post(path, body);
      expect(answer.status).toBe(400);
      expect(answer.body['message']).toMatch(message);
    });

    it('needs the token of that connection', async () => {
      const other = await SampleClient.connect(app);
      const { clientId, token } = client.welcome;
      const join = '/chat/rooms/open/join';
      expect((await app.post(join, {})).status).toBe(401);
      expect((await app.post(join, { clientId })).status).toBe(401);
      expect((await app.post(join, { clientId, token: '' })).status).toBe(403);
      expect((await app.post(join, { clientId, token: other.welcome.token })).status).toBe(403);
      expect((await app.post(join, { clientId: 'unknown', token })).status).toBe(403);
      expect((await other.post('/connection/cut', { clientId })).status).toBe(403);
      expect(client.stream.isOpen).toBe(true);
    });

    it('posts only to rooms that it has joined, and joins at most eight', async () => {
      const other = await SampleClient.connect(app);
      expect((await other.postMessage('open', 'hello')).status).toBe(403);
      for (const digit of '12345678') await other.post(`/chat/rooms/room-${digit}/join`);
      const ninth = await other.post('/chat/rooms/room-9/join');
      expect([ninth.status, ninth.body['message']]).toEqual([400, expect.stringContaining('8 at a time')]);
    });

    it('notifies the others that it types, and not itself', async () => {
      const other = await SampleClient.connect(app, '?nickname=Bob');
      await other.post('/chat/rooms/open/join');
      expect((await client.post('/chat/rooms/open/typing')).status).toBe(204);
      expect((await other.nextEvent('typing')).data).toEqual({ room: 'open', nickname: 'Ann' });
      await other.postMessage('open', 'after the typing');
      await client.nextEvent('chat');
      expect(client.stream.events.map(({ event }) => event)).not.toContain('typing');
    });

    it('sends a notice to the others when a tab joins, is renamed or leaves', async () => {
      const [stays, goes] = [
        await SampleClient.connect(app),
        await SampleClient.connect(app, '?nickname=Cleo'),
      ];
      await stays.post('/chat/rooms/count/join');
      expect((await goes.post('/chat/rooms/count/join')).body).toEqual({ room: 'count', members: 2 });
      await goes.post('/chat/nickname', { nickname: 'Zoe' });
      expect((await goes.post('/chat/rooms/count/leave')).body).toEqual({ room: 'count', members: 1 });
      const notices = [];
      while (notices.length < 4) notices.push((await stays.nextEvent('notice')).data);
      expect(notices).toMatchObject([
        { kind: 'joined', members: 1 },
        { kind: 'joined', nickname: 'Cleo', members: 2 },
        { kind: 'renamed', formerly: 'Cleo', nickname: 'Zoe', members: 2 },
        { kind: 'left', nickname: 'Zoe', members: 1 },
      ]);
      expect(await (await app.get('/chat/rooms')).json()).toContainEqual({ room: 'count', members: 1 });
    });
  });

  describe('a tab that reconnects', () => {
    it('resumes in the rooms that it has not left, after the last event that it received', async () => {
      const key = tabKey('c');
      const tab = await SampleClient.connect(app, `?tab=${key}`);
      const other = await SampleClient.connect(app);
      for (const client of [tab, other]) {
        for (const room of ['resume', 'left']) await client.post(`/chat/rooms/${room}/join`);
      }
      await tab.post('/chat/rooms/left/leave');
      await other.postMessage('resume', 'received');
      const { id = '' } = await tab.nextEvent('chat');
      expect(id).not.toBe('');

      await tab.post('/connection/cut');
      await tab.stream.ended;
      for (const text of ['one', 'two']) await other.postMessage('resume', text);
      await other.postMessage('left', 'not for the tab');
      const back = await SampleClient.connect(app, `?tab=${key}`, { 'Last-Event-ID': id });
      await other.postMessage('resume', 'three');

      expect(back.welcome.rooms).toEqual([{ room: 'resume', members: 2 }]);
      await eventually(() => chats(back).length === 3, 'three messages');
      expect(chats(back)).toEqual(['one', 'two', 'three']);
      expect(back.stream.events.find(({ event }) => event === 'sse:ready')?.data).toContain('"full"');
    });

    it('has one connection: a newer one replaces the older', async () => {
      const key = tabKey('d');
      const older = await SampleClient.connect(app, `?tab=${key}`);
      const newer = await SampleClient.connect(app, `?tab=${key}`);
      await older.stream.ended;
      expect((await older.post('/chat/rooms/open/join')).status).toBe(403);
      expect((await newer.post('/chat/rooms/open/join')).status).toBe(200);
      expect(newer.welcome.memberId).toBe(older.welcome.memberId);
    });
  });
});

/** Returns the texts of the chat messages that the client received, in order. */
function chats({ stream }: SampleClient): string[] {
  const messages = stream.events.filter(({ event }) => event === 'chat');
  return messages.map(({ data }): { text: string } => JSON.parse(data)).map(({ text }) => text);
}
