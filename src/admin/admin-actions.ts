import { BadRequestException, ServiceUnavailableException } from '@nestjs/common';
import { didYouMean } from '../protocol/did-you-mean.js';
import { describeValue } from '../protocol/error-text.js';
import { EVERYONE } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import type { SseService } from '../sse.service.js';
import { isClientId } from './viewer.js';

/** Streams that an action has reached on all nodes. */
export interface Reached {
  readonly streams: number;
}

type Fields = Readonly<Partial<Record<'client' | 'room' | 'event' | 'data', string>>>;

/** The changes that the page can make, by the verbs of `SseService`: they reach the clients of every node. */
export class AdminActions {
  constructor(private readonly sse: SseService) {}

  async disconnect(body: unknown): Promise<Reached> {
    const { client } = fieldsOf(body, ['client']);
    if (client === undefined) throw new BadRequestException('"client" is missing');
    checkClientId(client);
    return reached(() => this.sse.disconnect(client));
  }

  /** Sends a test event: it is not stored, and carries no id. */
  async send(body: unknown): Promise<Reached> {
    const { client, room, event, data = '' } = fieldsOf(body, ['client', 'room', 'event', 'data']);
    if ((client === undefined) === (room === undefined))
      throw new BadRequestException('Give either "client" or "room"');
    if (client !== undefined) checkClientId(client);
    if (room === EVERYONE) throw new BadRequestException('A test event goes to one client or one room');
    const target = client ?? { room: room ?? '' };
    return reached(() => this.sse.send(target, event === '' ? undefined : event, data));
  }
}

function checkClientId(client: string): void {
  if (!isClientId(client)) throw new BadRequestException('No client has such an id');
}

/** Validates a body: an object of texts. */
function fieldsOf(body: unknown, known: readonly (keyof Fields)[]): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRequestException('The body is a JSON object');
  for (const [name, value] of Object.entries(body)) {
    if (!known.some((each) => each === name))
      throw new BadRequestException(`There is no "${name}".${didYouMean(name, known)}`);
    if (typeof value !== 'string')
      throw new BadRequestException(`"${name}" is a text, not ${describeValue(value)}`);
  }
  return body;
}

async function reached(action: () => Promise<number>): Promise<Reached> {
  try {
    return { streams: await action() };
  } catch (error) {
    if (!(error instanceof SseError)) throw error;
    if (error.code === 'broker-unavailable' || error.code === 'broker-closed')
      throw new ServiceUnavailableException(error.message, {
        cause: error,
        description: 'Service Unavailable',
      });
    throw new BadRequestException(error.message, { cause: error, description: 'Bad Request' });
  }
}
