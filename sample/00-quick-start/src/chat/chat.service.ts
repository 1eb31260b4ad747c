import { BadRequestException, ForbiddenException, Injectable, type OnModuleInit } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import type { AppEvents, NoticeKind, Numbered, Present, RoomInfo } from '../app.events.js';
import type { Tab } from '../tab/tab.js';
import { TabService } from '../tab/tab.service.js';

const MAX_ROOMS_PER_TAB = 8;
/** Number of past events that a new member receives. */
const REPLAY_ON_JOIN = 30;
/** Limit of stored rooms. Empty rooms are stored so that their numbers continue: their history may still be replayed. */
const MAX_ROOMS = 2_000;

interface ChatRoom {
  readonly members: Set<Tab>;
  seq: number;
}

/** Returns the module's room of a chat room. The prefix separates it from `stats`. */
export const chatRoom = (name: string): string => `chat/${name}`;

/** Keeps the members of chat rooms and publishes messages and notices. */
@Injectable()
export class ChatService implements OnModuleInit {
  private readonly rooms = new Map<string, ChatRoom>();

  constructor(
    private readonly sse: SseService<AppEvents>,
    private readonly tabs: TabService,
  ) {}

  onModuleInit(): void {
    this.tabs.away$.subscribe((tab) => this.announceEverywhere('away', tab));
    this.tabs.forgotten$.subscribe((tab) => {
      for (const name of tab.chatRooms) this.room(name).members.delete(tab);
    });
  }

  /** Called when a stream of the tab opens. Announces the tab unless it reconnected quickly. */
  streamOpened(tab: Tab): void {
    if (!tab.away) return;
    tab.away = false;
    this.announceEverywhere('back', tab);
  }

  /** Safe to repeat: a tab that is a member already only connects its stream to the room. */
  async join(tab: Tab, name: string): Promise<RoomInfo> {
    const isNewMember = !tab.chatRooms.has(name);
    if (isNewMember && tab.chatRooms.size >= MAX_ROOMS_PER_TAB) {
      throw new BadRequestException(`room: ${MAX_ROOMS_PER_TAB} at a time; leave one first`);
    }
    tab.chatRooms.add(name);
    this.room(name).members.add(tab);
    await tab.client?.join(chatRoom(name), { replay: REPLAY_ON_JOIN });
    if (isNewMember) this.announce('joined', name, tab);
    return this.info(name);
  }

  leave(tab: Tab, name: string): RoomInfo {
    if (tab.chatRooms.delete(name)) {
      tab.client?.leave(chatRoom(name));
      this.room(name).members.delete(tab);
      this.announce('left', name, tab);
    }
    return this.info(name);
  }

  async publishMessage(tab: Tab, name: string, text: string): Promise<Numbered> {
    const { nickname, memberId } = this.member(tab, name);
    const message = { ...this.next(name), memberId, nickname, text };
    await this.sse.broadcast(chatRoom(name), 'chat', message);
    return { room: name, seq: message.seq, at: message.at };
  }

  /** Notifies the other members. The event is outdated a second later, so it is volatile. */
  async typing(tab: Tab, name: string): Promise<void> {
    const { nickname, client } = this.member(tab, name);
    await this.sse.broadcast(
      chatRoom(name),
      'typing',
      { room: name, nickname },
      { except: client, volatile: true },
    );
  }

  rename(tab: Tab, nickname: string): void {
    if (tab.nickname === nickname) return;
    const formerly = tab.nickname;
    tab.nickname = nickname;
    this.announceEverywhere('renamed', tab, formerly);
  }

  list(): RoomInfo[] {
    return [...this.rooms.keys()].map((name) => this.info(name)).filter(({ members }) => members > 0);
  }

  info(name: string): RoomInfo {
    return { room: name, members: this.tabsIn(name).filter((tab) => !tab.away).length };
  }

  private tabsIn(name: string): Tab[] {
    return [...(this.rooms.get(name)?.members ?? [])];
  }

  /** Who is in a chat room, from the presence of the module. A tab may have another nickname since its stream has opened. */
  async present(name: string): Promise<Present[]> {
    const nicknames = new Map(this.tabsIn(name).map(({ memberId, nickname }) => [memberId, nickname]));
    const members = await this.sse.presence(chatRoom(name));
    return members.map(({ user, info }) => ({
      memberId: user,
      nickname: nicknames.get(user) ?? (info as { nickname: string }).nickname,
    }));
  }

  private announceEverywhere(kind: NoticeKind, tab: Tab, formerly?: string): void {
    for (const name of tab.chatRooms) this.announce(kind, name, tab, formerly);
  }

  private announce(kind: NoticeKind, name: string, tab: Tab, formerly?: string): void {
    const { memberId, nickname } = tab;
    const { members } = this.info(name);
    // Not awaited: the module logs a notice that cannot be published.
    void this.sse.broadcast(chatRoom(name), 'notice', {
      ...this.next(name),
      kind,
      memberId,
      nickname,
      formerly,
      members,
    });
  }

  private member(tab: Tab, name: string): Tab {
    if (tab.chatRooms.has(name)) return tab;
    throw new ForbiddenException(`Join "${name}" first`);
  }

  private next(name: string): Numbered {
    return { room: name, seq: ++this.room(name).seq, at: Date.now() };
  }

  private room(name: string): ChatRoom {
    const known = this.rooms.get(name);
    if (known) return known;
    if (this.rooms.size >= MAX_ROOMS) this.dropEmptyRoom();
    const room = { members: new Set<Tab>(), seq: 0 };
    this.rooms.set(name, room);
    return room;
  }

  private dropEmptyRoom(): void {
    for (const [name, { members }] of this.rooms) {
      if (members.size === 0) return void this.rooms.delete(name);
    }
  }
}
