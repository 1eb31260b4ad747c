import type { ControlChannel } from '../broker/control-channel.interface.js';
import type { ControlArrival, RunTimeJoin } from '../connection/sse-client.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { messageOf } from '../protocol/error-text.js';
import type { RetryTime } from '../protocol/input/retry-time.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { ignoreRejection } from '../protocol/thenable.js';
import type { CommandHost } from './command-host.interface.js';
import type { CommandTarget } from './command-target.js';
import { changeRooms, joinOne } from './room-changes.js';
import {
  ANSWER_CODES,
  encodeControl,
  failureText,
  type AnswerCode,
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
 * and not executed again: it is remembered for twice the time of its call.
 *
 * A copy may come later still, to a node that was frozen or behind a connection that stalled. The first copies of a call were
 * published within its time, so a node that has received every message for longer than that has received them, and executed
 * the command.
 *
 * Example: a call of 5 s is executed, and its node is frozen for 20 s. The copy that it finds then is ignored. A node whose
 * connection was cut finds one half a second after it is back, and executes it.
 */
export class CommandExecution {
  readonly #channel: ControlChannel;
  readonly #known = new Map<string, KnownCommand>();

  constructor(channel: ControlChannel) {
    this.#channel = channel;
  }

  receive(
    command: RemoteCommand,
    host: CommandHost,
    { inOrderIn, connectedForMs = 0 }: ControlArrival,
  ): void {
    const { call, copy, from, waitMs } = command;
    this.#forgetOld();
    let known = this.#known.get(call);
    if (known === undefined) {
      if (copy > 1 && connectedForMs >= waitMs) return;
      known = { answer: this.#execute(command, host, inOrderIn), forgetAtMs: performance.now() + 2 * waitMs };
      this.#known.set(call, known);
    }
    const answered = known.answer.then((answer) => this.#channel.publishControl(encodeControl(answer), from));
    // The node that waits asks again.
    ignoreRejection(answered);
  }

  async #execute(
    { call, to, action }: RemoteCommand,
    host: CommandHost,
    inOrderIn: number | undefined,
  ): Promise<RemoteAnswer> {
    const { nodeId: node } = this.#channel;
    try {
      if (action.do === 'change') {
        const clients = clientsToJoin(to, host);
        return { answer: call, node, ...(await changeRooms(clients, to, { ...action, inOrderIn }, host)) };
      }
      const { reached, failure } = await execute(to, action, host, inOrderIn);
      if (failure === undefined) return { answer: call, node, reached };
      return { answer: call, node, reached, failed: failureText(messageOf(failure)), code: codeOf(failure) };
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

/** The outcome of a command on this node. */
interface Executed {
  /** Number of streams that it has reached. */
  readonly reached: number;
  /** The first failure, where it has not reached all of them. */
  readonly failure?: unknown;
}

async function execute(
  to: CommandTarget,
  action: Exclude<CommandAction, { do: 'change' }>,
  host: CommandHost,
  inOrderIn: number | undefined,
): Promise<Executed> {
  if (action.do === 'join') return join(to, action.room, { replay: action.replay ?? 0, inOrderIn }, host);
  if (action.do === 'reauthorize') return reauthorize(to, host);
  const clients = matchingClients(to, host);
  switch (action.do) {
    case 'leave': {
      // Stored sessions are changed before the streams.
      const isMeant = to.room === undefined || to.room === action.room;
      const isStored = isMeant && (to.session !== undefined || to.users !== undefined);
      await Promise.all(clients.map(async (client) => host.leave(client, action.room, isStored)));
      return { reached: clients.length };
    }
    case 'disconnect':
      return { reached: endStreams(clients, action.retryMs, action.replaced ? 'replaced' : 'disconnected') };
    default: {
      const { event, data } = action;
      const volatileKey = action.volatile === true ? `\n\n${event ?? ''}` : undefined;
      const frame = new SseFrame(encodeEvent({ event, data }), { volatileKey });
      return { reached: clients.filter((client) => client.connection.deliver(frame)).length };
    }
  }
}

/** @returns the number of clients */
export function endStreams(
  clients: readonly SseClient[],
  retryMs: RetryTime | undefined,
  reason: 'disconnected' | 'replaced' = 'disconnected',
): number {
  for (const client of clients) {
    if (retryMs !== undefined) client.setRetry(retryMs);
    client.connection.end(reason);
  }
  return clients.length;
}

/**
 * Adds clients to a room, and settles when they receive every event that is published from now on: they are members, and
 * the broker delivers the room to this node. Their replay goes on at the pace of each.
 */
async function join(
  to: CommandTarget,
  room: string,
  options: RunTimeJoin,
  host: CommandHost,
): Promise<Executed> {
  const clients = clientsToJoin(to, host);
  const results = await Promise.allSettled(
    clients.map(async (client) => joinOne(client, room, options, host)),
  );
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  return {
    reached: clients.filter((client) => !client.isClosed && client.in(room)).length,
    failure: failures[0],
  };
}

/** Asks for the rooms of clients again. Questions that are pending are asked again too: a stream may be about to join. */
async function reauthorize(to: CommandTarget, host: CommandHost): Promise<Executed> {
  host.authorizer.invalidate();
  // A question that was answered in this turn leads to its join before the next one.
  await new Promise(setImmediate);
  const clients = matchingClients(to, host);
  await Promise.all(clients.map(async (client) => host.reauthorize(client, to.room)));
  return { reached: clients.length };
}

function codeOf(error: unknown): AnswerCode | undefined {
  return ANSWER_CODES.find((code) => error instanceof SseError && error.code === code);
}

/** A session that was not asked for yet is asked for later, and has the room then: the command has stored it. */
function clientsToJoin(to: CommandTarget, host: CommandHost): SseClient[] {
  return matchingClients(to, host).filter(
    ({ session }) => to.session === undefined || session?.isClaimed === true,
  );
}

/** Copies the matching clients to a list, since ending a stream changes the set of the room. */
function matchingClients(
  { client: id, session, users, withoutUser, room = EVERYONE }: CommandTarget,
  host: CommandHost,
): SseClient[] {
  const names = users && new Set(users);
  return Array.from(host.clientsOf(room)).filter(
    (client) =>
      (id === undefined || client.id === id) &&
      (withoutUser === undefined || client.user === undefined) &&
      (session === undefined || client.session?.key === session) &&
      (names === undefined || (client.user !== undefined && names.has(client.user))),
  );
}
