import type { EventStream } from '../support/event-stream.js';
import { AnswerStreamApp } from './answer-stream-app.js';
import { expectStrictPolicy, expectWholePage } from './page-rules.js';

const idOf = (digit: string): string => digit.repeat(32);

/** Waits for the end. Returns the text of the answer, and the data of the end. */
async function answerOf(stream: EventStream): Promise<{ text: string; end: unknown }> {
  expect(await stream.ended).toBe('whole');
  const words = stream.events.filter(({ event }) => event === 'words').map(({ data }) => data);
  const last = stream.events.at(-1);
  expect(last?.event).toBe('sse:end');
  return { text: words.join(''), end: JSON.parse(last?.data ?? '') };
}

describe('the sample of answers, over HTTP', () => {
  let app: AnswerStreamApp;

  beforeAll(async () => {
    app = await AnswerStreamApp.start();
  });
  afterAll(() => app.close());

  it('has a page with a policy that allows this server alone, and all of its files', async () => {
    await expectStrictPolicy(app.url);
    const files = await expectWholePage(app.url);
    expect(files).toContain('/assets/answer.js');
    expect(files).toContain('/client/connection/connection.js');
  });

  it('gives the whole answer to the POST, to one that is sent again, and to a late follower as few events', async () => {
    app.wordLimit = 3;
    const first = await app.ask(idOf('1'), 'Tell me in 12 words');
    await first.nextEvents(4);
    const again = await app.ask(idOf('1'), 'Tell me in 12 words');
    app.wordLimit = Infinity;
    const { text, end } = await answerOf(first);
    expect(text.split(' ')).toHaveLength(12);
    expect(end).toMatchObject({ state: 'done', events: 13 });
    expect(await answerOf(again)).toEqual({ text, end });
    const late = await app.open(`/answers/${idOf('1')}`);
    expect(await answerOf(late)).toEqual({ text, end });
    expect(late.events.map(({ event }) => event)).toEqual(['sse:ready', 'begin', 'words', 'sse:end']);
  });

  it('goes on from the last id, and stops for everybody', async () => {
    const first = await app.ask(idOf('2'), 'Tell me in 400 words');
    const [, , third] = await first.nextEvents(3);
    first.close();
    const headers = { 'last-event-id': third?.id ?? '' };
    const resumed = await app.open(`/answers/${idOf('2')}`, { headers });
    const [next] = await resumed.nextEvents(1);
    expect(next?.event).toBe('words');
    expect((await app.open(`/answers/${idOf('2')}/stop`, { method: 'POST' })).status).toBe(204);
    expect((await answerOf(resumed)).end).toMatchObject({ state: 'stopped' });
  });

  it('imports rows without a request, and sends a late follower the newest progress only', async () => {
    const url = `/imports/${idOf('3')}`;
    expect((await app.open(url, { method: 'POST' })).status).toBe(202);
    const early = await app.open(`${url}/events`);
    await early.nextEvents(5);
    const late = await app.open(`${url}/events`);
    const [begin, progress] = await late.nextEvents(2);
    expect([begin?.event, progress?.event]).toEqual(['begin', 'progress']);
    expect(JSON.parse(progress?.data ?? '{}').done).toBeGreaterThan(1);
    await app.open(`${url}/stop`, { method: 'POST' });
    for (const stream of [early, late]) {
      expect(await stream.ended).toBe('whole');
      expect(JSON.parse(stream.events.at(-1)?.data ?? '{}')).toMatchObject({ state: 'stopped' });
    }
  });

  it('refuses wrong ids and questions, pages of other sites, and to kill its only node', async () => {
    const statuses = await Promise.all([
      app.ask('me', 'hello'),
      app.ask(idOf('4'), ''),
      app.ask(idOf('4'), ['hello']),
      app.ask(idOf('4'), 'x'.repeat(201)),
      app.open(`/imports/${idOf('4')}`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } }),
      app.open('/nodes/A/kill', { method: 'POST' }),
      app.open('/nodes/C/kill', { method: 'POST' }),
      app.open(`/answers/${idOf('4')}`),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([400, 400, 400, 400, 403, 404, 400, 204]);
    expect(await app.sse.runs.status(`answers/${idOf('4')}`)).toBeUndefined();
  });
});
