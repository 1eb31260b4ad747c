import type { ControlChannel } from '../broker/control-channel.interface.js';
import type { CommandTarget } from './command-target.js';
import { RemoteCall } from './remote-call.js';

/** A channel to two nodes, which answer when a test says so. */
class FakeChannel implements ControlChannel {
  readonly nodeId = 'one';
  readonly calls: string[] = [];
  readonly #listed = ['one', 'two'];

  constructor(readonly passedTo?: number) {}

  signal: AbortSignal | undefined;

  async publishControl(_text: string, _to?: string, signal?: AbortSignal): Promise<number | void> {
    this.calls.push('publish');
    this.signal = signal;
    return this.passedTo;
  }

  async nodes() {
    this.calls.push('list');
    return this.#listed.map((id) => ({ id, name: `host/${id}` }));
  }
}

class Call {
  readonly channel: FakeChannel;
  readonly call: RemoteCall;
  readonly outcome: Promise<unknown>;

  constructor(to: CommandTarget, { passedTo, waitMs = 60_000, listsFirst = false }: CallSetting = {}) {
    this.channel = new FakeChannel(passedTo);
    this.call = new RemoteCall(this.channel, to, { do: 'leave', room: 'a' }, { waitMs, listsFirst });
    this.outcome = this.call.run().catch((error: unknown) => (error as Error).message);
  }

  /** Answers, and waits until the call has done what follows from it. */
  async answer(node: string, reached: number): Promise<void> {
    await new Promise(setImmediate);
    this.call.receive({ answer: this.call.id, node, reached });
    await new Promise(setImmediate);
  }
}

interface CallSetting {
  readonly passedTo?: number;
  readonly waitMs?: number;
  readonly listsFirst?: boolean;
}

describe('a command to other nodes', () => {
  it('to one client settles with the answer of its node, and needs no list of the nodes', async () => {
    const call = new Call({ client: 'c' }, { passedTo: 2 });
    await call.answer('two', 1);
    expect(await call.outcome).toBe(1);
    expect(call.channel.calls).toEqual(['publish']);
  });

  it.each([2, undefined])(
    'to a client that no node has settles with 0 once all have answered, passed to: %s',
    async (passedTo) => {
      const call = new Call({ client: 'c' }, passedTo === undefined ? {} : { passedTo });
      await call.answer('one', 0);
      await call.answer('two', 0);
      expect(await call.outcome).toBe(0);
      expect(call.channel.calls).toEqual(['publish', 'list']);
    },
  );

  it('to one client names the nodes that are silent, also in a time that is too short to ask again', async () => {
    const call = new Call({ client: 'c' }, { passedTo: 2, waitMs: 50 });
    await call.answer('one', 0);
    expect(await call.outcome).toContain('was not confirmed within 50 ms by host/two');
  });

  it('that has timed out is not sent any more, where it still waits for a connection', async () => {
    const call = new Call({ client: 'c' }, { passedTo: 2, waitMs: 50 });
    await call.answer('one', 0);
    expect(call.channel.signal?.aborted).toBe(false);
    await call.outcome;
    expect(call.channel.signal?.aborted).toBe(true);
  });

  it('to several clients is passed on before the nodes are listed, and waits for all of them', async () => {
    const call = new Call({ room: 'a' }, { passedTo: 2 });
    await call.answer('two', 3);
    expect(call.channel.calls).toEqual(['publish', 'list']);
    await call.answer('one', 1);
    expect(await call.outcome).toBe(4);
  });

  it('of a process that receives nothing yet lists the nodes first, which lets it receive the answers', async () => {
    const call = new Call({ client: 'c' }, { passedTo: 2, listsFirst: true });
    await call.answer('two', 1);
    expect(await call.outcome).toBe(1);
    expect(call.channel.calls).toEqual(['list', 'publish']);
  });
});
