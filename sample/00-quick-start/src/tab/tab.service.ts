import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { Injectable, type OnModuleDestroy, ServiceUnavailableException } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { SseClient } from 'nestjs-simple-sse';
import type { Tab } from './tab.js';

/** Shorter absences are not announced: `retryMs` and a slow network fit in this time. */
const AWAY_AFTER_MS = 6_000;
/** The default age limit of history: nothing can be resumed after it. */
const FORGET_AFTER_MS = 10 * 60_000;
const MAX_TABS = 5_000;

/** Keeps the tabs and their connections. */
@Injectable()
export class TabService implements OnModuleDestroy {
  private readonly tabs = new Map<string, Tab>();
  private readonly clients = new Map<string, SseClient>();
  private readonly timers = new Map<Tab, NodeJS.Timeout>();
  private closing = false;
  private readonly awaySubject = new Subject<Tab>();
  private readonly forgottenSubject = new Subject<Tab>();

  readonly away$ = this.awaySubject.asObservable();
  readonly forgotten$ = this.forgottenSubject.asObservable();

  find(key: string): Tab | undefined {
    return this.tabs.get(key);
  }

  create(key: string, nickname: string): Tab {
    if (this.tabs.size >= MAX_TABS) this.forgetOne();
    const memberId = randomBytes(4).toString('hex');
    const tab: Tab = { key, memberId, nickname, chatRooms: new Set(), away: true };
    this.tabs.set(key, tab);
    // Also forgets a tab whose stream never opens.
    this.startTimer(tab, FORGET_AFTER_MS, () => this.forget(tab));
    return tab;
  }

  /** Stores the tab's new connection and closes an older one, which may be half-open. Returns the new token. */
  attach(tab: Tab, client: SseClient): string {
    const older = tab.client;
    const token = randomUUID();
    Object.assign(client.context, { tab, token });
    tab.client = client;
    this.clients.set(client.id, client);
    this.stopTimer(tab);
    void client.closed.then(() => this.detach(tab, client));
    older?.close();
    return token;
  }

  /** Returns the tab whose open connection has this id and token. */
  owner(clientId: string, token: string): Tab | undefined {
    const client = this.clients.get(clientId);
    const { tab, token: expected } = client?.context ?? {};
    return tab?.client === client && same(expected, token) ? tab : undefined;
  }

  onModuleDestroy(): void {
    // The streams end after this, so no client could receive a notice.
    this.closing = true;
    for (const tab of this.timers.keys()) this.stopTimer(tab);
  }

  private detach(tab: Tab, client: SseClient): void {
    this.clients.delete(client.id);
    if (tab.client !== client) return;
    tab.client = undefined;
    this.startTimer(tab, AWAY_AFTER_MS, () => {
      tab.away = true;
      this.awaySubject.next(tab);
      this.startTimer(tab, FORGET_AFTER_MS, () => this.forget(tab));
    });
  }

  private forget(tab: Tab): void {
    this.stopTimer(tab);
    this.tabs.delete(tab.key);
    this.forgottenSubject.next(tab);
  }

  private forgetOne(): void {
    for (const tab of this.tabs.values()) {
      if (tab.client === undefined) return this.forget(tab);
    }
    throw new ServiceUnavailableException(`${MAX_TABS} tabs are open here already`);
  }

  private startTimer(tab: Tab, ms: number, then: () => void): void {
    if (!this.closing) this.timers.set(tab, setTimeout(then, ms).unref());
  }

  private stopTimer(tab: Tab): void {
    clearTimeout(this.timers.get(tab));
    this.timers.delete(tab);
  }
}

function same(expected = '', given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}
