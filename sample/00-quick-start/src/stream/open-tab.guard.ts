import { randomBytes, randomInt } from 'node:crypto';
import { BadRequestException, type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { NICKNAME } from '../chat/chat.input.js';
import type { TabRequest } from '../tab/owner.guard.js';
import type { Tab } from '../tab/tab.js';
import { TabService } from '../tab/tab.service.js';

const KEY = /^[0-9a-f]{32}$/;
const NAMES = ['Otter', 'Heron', 'Badger', 'Lark', 'Marten', 'Finch', 'Newt', 'Stoat', 'Wren', 'Vole'];

/** Finds the tab of a stream by the key in its URL, or creates one. */
@Injectable()
export class OpenTabGuard implements CanActivate {
  constructor(private readonly tabs: TabService) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<TabRequest>();
    const { tab: key = randomBytes(16).toString('hex'), nickname = randomName() } = request.query;
    if (typeof key !== 'string' || !KEY.test(key)) {
      throw new BadRequestException('tab: 32 hexadecimal digits');
    }
    const name = NICKNAME.transform(nickname);
    request.tab = this.tabs.find(key) ?? this.tabs.create(key, name);
    return true;
  }
}

/** The parts of a request that decide its chat rooms. */
interface StreamRequest {
  readonly tab?: Tab;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
}

/**
 * Returns the chat rooms of a reconnecting tab, so that its stream resumes in them. A page that has just been
 * loaded has none: it joins its rooms by POST and receives their newest events.
 */
export function chatRoomsToResume({ tab, headers, query }: StreamRequest): string[] {
  const returning = headers['last-event-id'] ?? query['lastEventId'];
  return tab !== undefined && returning !== undefined ? [...tab.chatRooms] : [];
}

function randomName(): string {
  return `${NAMES[randomInt(NAMES.length)]} ${randomInt(10, 100)}`;
}
