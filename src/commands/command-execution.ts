import type { ControlChannel } from '../broker/control-channel.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { messageOf } from '../protocol/error-text.js';
import type { Replay } from '../protocol/input/replay-option.js';
import type { RetryTime } from '../protocol/input/retry-time.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { ignoreRejection } from '../protocol/thenable.js';
import type { CommandHost } from './command-host.interface.js';
import type { CommandTarget } from './command-target.js';
import {
  encodeControl,
  failureText,
  type CommandAction,
  type RemoteAnswer,
  type RemoteCommand,
} from './remote-command-codec.js';

interface KnownCommand {
  readonly answer: Promise<RemoteAnswer>;
  readonly forgetAtMs: number;
}

/**
 * Executes received commands for the clients of this node, and answers each. A command that arrives again is answered again,
 * and not executed again.
 */
export class CommandExecution {
  readonly #channel: ControlChannel;
  readonly #known = new Map<string, KnownCommand>();

  constructor(channel: ControlChannel) {
    this.#channel = channel;
  }

  receive(command: RemoteCommand, host: CommandHost): void {
    const { call, from, waitMs } = command;
    this.#forgetOld();
    let known = this.#known.get(call);
    if (known === undefined) {
      known = { answer: this.#execute(command, host), forgetAtMs: performance.now() + 2 * waitMs };
      this.#known.set(call, known);
    }
    const answered = known.answer.then((answer) => this.#channel.publishControl(encodeControl(answer), from));
    // The node that waits asks again.
    ignoreRejection(answered);
  }

  async #execute({ call, to, action }: RemoteCommand, host: CommandHost): Promise<RemoteAnswer> {
    const { nodeId: node } = this.#channel;
    try {
      return { answer: call, node, reached: await execute(matchingClients(to, host), action, host) };
    } catch (error) {
      return { answer: call, node, reached: 0, failed: failureText(messageOf(error)) };
    }
  }

  #forgetOld(): void {
    const nowMs = performance.now();
    for (const [call, { forgetAtMs }] of this.#known) {
      if (forgetAtMs > nowMs) break;
      this.#known.delete(call);
    }
  }
}

/** @returns the number of streams that the action has reached */
async function execute(
  clients: readonly SseClient[],
  action: CommandAction,
  host: CommandHost,
): Promise<number> {
  switch (action.do) {
    case 'leave':
      await Promise.all(clients.map(async (client) => host.leave(client, action.room)));
      return clients.length;
    case 'disconnect':
      return endStreams(clients, action.retryMs);
    case 'send': {
      const { event, data } = action;
      const volatileKey = action.volatile === true ? `\n\n${event ?? ''}` : undefined;
      const frame = new SseFrame(encodeEvent({ event, data }), { volatileKey });
      return clients.filter((client) => client.connection.deliver(frame)).length;
    }
    default:
      return join(clients, action.room, action.replay ?? 0, host);
  }
}

/** @returns the number of clients */
export function endStreams(clients: readonly SseClient[], retryMs: RetryTime | undefined): number {
  for (const client of clients) {
    if (retryMs !== undefined) client.setRetry(retryMs);
    client.connection.end('disconnected');
  }
  return clients.length;
}

/**
 * Adds clients to a room, and settles when they receive every event that is published from now on: they are members, and
 * the broker delivers the room to this node. Their replay goes on at the pace of each.
 */
async function join(
  clients: readonly SseClient[],
  room: string,
  replay: Replay,
  host: CommandHost,
): Promise<number> {
  await Promise.all(
    clients.map(async (client) => {
      const joined = host.join(client, room, { replay });
      if (client.in(room)) ignoreRejection(joined);
      else await joined;
    }),
  );
  // Also for clients that were in the room before, or whose stream is not open yet: their own join does not wait.
  await host.whenSubscribed(room);
  return clients.filter((client) => !client.isClosed && client.in(room)).length;
}

/** Copies the matching clients to a list, since ending a stream changes the set of the room. */
function matchingClients(
  { client: id, users, room = EVERYONE }: CommandTarget,
  host: CommandHost,
): SseClient[] {
  const names = users && new Set(users);
  return Array.from(host.clientsOf(room)).filter(
    (client) =>
      (id === undefined || client.id === id) &&
      (names === undefined || (client.user !== undefined && names.has(client.user))),
  );
}
