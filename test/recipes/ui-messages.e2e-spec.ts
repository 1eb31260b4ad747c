import { AbstractChat, DefaultChatTransport, type ChatState, type UIMessage } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import { MODEL, UiMessagesController } from './code/ui-messages.js';

const HEADERS = { 'x-user': 'ann' };

/** The parts that the model gives next, as a test asks for them. */
class Turn {
  readonly stream: ReadableStream;
  #controller!: ReadableStreamDefaultController;

  constructor(signal: AbortSignal | undefined) {
    this.stream = new ReadableStream({ start: (controller) => void (this.#controller = controller) });
    signal?.addEventListener('abort', () => this.#controller.error(signal.reason));
    this.#controller.enqueue({ type: 'stream-start', warnings: [] });
    this.#controller.enqueue({ type: 'text-start', id: '1' });
  }

  say(delta: string): void {
    this.#controller.enqueue({ type: 'text-delta', id: '1', delta });
  }

  end(): void {
    this.#controller.enqueue({ type: 'text-end', id: '1' });
    const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
    this.#controller.enqueue({ type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage });
    this.#controller.close();
  }

  fail(): void {
    this.#controller.enqueue({ type: 'error', error: new Error('broken on purpose') });
    this.#controller.close();
  }
}

/** What `useChat` of @ai-sdk/react is without React: the same class, with a state that is a plain object. */
class PageChat extends AbstractChat<UIMessage> {
  readonly finished: { isError: boolean; isDisconnect: boolean }[] = [];

  constructor(url: string, messages: readonly UIMessage[] = []) {
    const state: ChatState<UIMessage> = {
      status: 'ready',
      error: undefined,
      messages: [...messages],
      pushMessage: (message) => void state.messages.push(message),
      popMessage: () => void state.messages.pop(),
      replaceMessage: (index, message) => void (state.messages[index] = message),
      snapshot: (thing) => structuredClone(thing),
    };
    super({
      id: 'chat-1',
      transport: new DefaultChatTransport({ api: `${url}/api/chat`, headers: HEADERS }),
      state,
      onFinish: (end) => void this.finished.push(end),
    });
  }

  get answer(): string {
    const parts = this.lastMessage?.role === 'assistant' ? this.lastMessage.parts : [];
    return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  }

  says(text: string): Promise<void> {
    return eventually(() => this.answer === text, `the answer "${text}", after "${this.answer}"`);
  }
}

describe.each(platforms)('the recipe for the AI SDK, on $name', (platform) => {
  let app: RunningApp;
  let turns: Turn[];

  beforeEach(async () => {
    turns = [];
    const model = new MockLanguageModelV3({
      doStream: async ({ abortSignal }) => {
        const turn = new Turn(abortSignal);
        turns.push(turn);
        return { stream: turn.stream };
      },
    });
    const providers = [{ provide: MODEL, useValue: model }];
    app = await platform.start(sseApp({ controllers: [UiMessagesController], providers }));
  });
  afterEach(() => app.close());

  /** Sends a message, and waits for the first word of the answer. */
  async function ask(): Promise<{ page: PageChat; turn: Turn; sent: Promise<void> }> {
    const page = new PageChat(app.url);
    const sent = page.sendMessage({ text: 'Hello?' });
    await eventually(() => turns.length === 1, 'the call of the model');
    const [turn] = turns as [Turn];
    turn.say('One');
    await page.says('One');
    return { page, turn, sent };
  }

  it('an answer reaches the page, and one that has reloaded gets all of it and the rest', async () => {
    const { page, turn, sent } = await ask();
    const reloaded = new PageChat(app.url, page.messages.slice(0, 1));
    const resumed = reloaded.resumeStream();
    await reloaded.says('One');
    turn.say(' two');
    turn.end();
    await within(Promise.all([sent, resumed]), 'the end of the answer');
    for (const each of [page, reloaded]) {
      expect([each.status, each.answer]).toEqual(['ready', 'One two']);
      expect(each.finished).toMatchObject([{ isError: false, isDisconnect: false }]);
    }
    expect(turns).toHaveLength(1);
  });

  it('the answer goes on when the page has gone, and there is nothing to resume after its end', async () => {
    const { page, turn, sent } = await ask();
    await page.stop();
    await sent;
    turn.say(' two');
    const reloaded = new PageChat(app.url, page.messages.slice(0, 1));
    const resumed = reloaded.resumeStream();
    await reloaded.says('One two');
    turn.end();
    await within(resumed, 'the end of the answer');
    const later = new PageChat(app.url, reloaded.messages);
    await later.resumeStream();
    expect([later.status, later.answer, later.messages.length]).toEqual(['ready', 'One two', 2]);
  });

  it('writes the bytes and the header of the protocol, and nothing else', async () => {
    const { turn, sent } = await ask();
    const stream = await app.open('/api/chat/chat-1/stream', { headers: HEADERS });
    expect(stream.headers['x-vercel-ai-ui-message-stream']).toBe('v1');
    turn.end();
    await within(Promise.all([sent, stream.ended]), 'the end of the answer');
    expect(stream.rawText).not.toMatch(/^(:|retry|event)/m);
    expect(stream.rawText).toMatch(/^data: \{"type":"start"/);
    expect(stream.events.at(-1)).toMatchObject({ event: 'message', data: '[DONE]' });
    const after = await app.open('/api/chat/chat-1/stream', { headers: HEADERS });
    expect(after.status).toBe(204);
  });

  it('the stop button ends the answer for every page, and others can do nothing to it', async () => {
    const { page, sent } = await ask();
    const url = '/api/chat/chat-1/stream';
    const bob = { headers: { 'x-user': 'bob' } };
    expect((await app.open(url, bob)).status).toBe(204);
    expect((await app.open(url, { ...bob, method: 'DELETE' })).status).toBe(204);
    const second = await app.open('/api/chat', {
      method: 'POST',
      headers: { ...HEADERS, 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'chat-1', messages: page.messages.slice(0, 1) }),
    });
    expect(second.status).toBe(409);
    expect((await app.open(url, { headers: HEADERS, method: 'DELETE' })).status).toBe(204);
    await within(sent, 'the end of the answer');
    expect([page.status, page.answer]).toEqual(['ready', 'One']);
    expect((await app.sse.runs.status('answers/ann/chat-1'))?.state).toBe('stopped');
  });

  it('a failure of the model is an error of the page', async () => {
    const { page, turn, sent } = await ask();
    turn.fail();
    await within(sent, 'the end of the answer');
    expect(page.status).toBe('error');
    expect(page.answer).toBe('One');
  });
});
