import { jest } from '@jest/globals';
import type { ControlChannel } from '../broker/control-channel.interface.js';
import { CommandExecution } from './command-execution.js';
import type { CommandHost } from './command-host.interface.js';
import type { RemoteCommand } from './remote-command-codec.js';

const WAIT_MS = 5_000;

/** A node without clients, which counts how often it executes a command. */
class Node implements ControlChannel {
  readonly nodeId = 'one';
  executions = 0;
  answers = 0;
  readonly #execution = new CommandExecution(this);

  receive(copy: number, connectedForMs?: number): Promise<unknown> {
    const command: RemoteCommand = {
      call: 'c',
      copy,
      from: 'two',
      waitMs: WAIT_MS,
      to: { client: 'a' },
      action: { do: 'send', data: 'text' },
    };
    const clientsOf = (): ReadonlySet<never> => {
      this.executions++;
      return new Set();
    };
    this.#execution.receive(command, { clientsOf } as unknown as CommandHost, { connectedForMs });
    return new Promise(setImmediate);
  }

  async publishControl(): Promise<void> {
    this.answers++;
  }

  async nodes(): Promise<[]> {
    return [];
  }
}

describe('a command that arrives again', () => {
  let node: Node;
  let nowMs: number;
  beforeEach(() => {
    node = new Node();
    nowMs = 1_000;
    jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('is answered again, and not executed again', async () => {
    await node.receive(1, nowMs);
    nowMs += 500;
    await node.receive(2, nowMs);
    expect([node.executions, node.answers]).toEqual([1, 2]);
  });

  it('is not executed again by a node that was frozen until it had forgotten the command', async () => {
    await node.receive(1, nowMs);
    nowMs += 60_000;
    await node.receive(2, nowMs);
    await node.receive(3, nowMs);
    expect([node.executions, node.answers]).toEqual([1, 1]);
  });

  it('is executed by a node whose connection was cut when the first copy came', async () => {
    await node.receive(2, 100);
    await node.receive(3, 600);
    expect([node.executions, node.answers]).toEqual([1, 2]);
  });

  it('is executed by a node that was frozen when it had received no copy yet', async () => {
    nowMs += 60_000;
    await node.receive(1, nowMs);
    await node.receive(2, nowMs);
    expect([node.executions, node.answers]).toEqual([1, 2]);
  });
});
