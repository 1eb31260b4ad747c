import type { TabMessage } from './tab-message.interface.js';

interface BroadcastChannelLike {
  addEventListener(type: 'message', receive: (event: { readonly data: TabMessage }) => void): void;
  postMessage(message: TabMessage): void;
  close(): void;
}

interface LocksLike {
  request(
    name: string,
    options: { readonly signal?: AbortSignal; readonly steal?: true },
    whileHeld: () => Promise<void> | undefined,
  ): Promise<void>;
}

interface SharingPlatform {
  readonly BroadcastChannel?: new (name: string) => BroadcastChannelLike;
  readonly navigator?: { readonly locks?: LocksLike };
  readonly origin?: string;
}

/** A channel between tabs. */
export interface Channel {
  post(message: TabMessage): void;
  onMessage(receive: (message: TabMessage) => void): void;
  close(): void;
}

/** What tabs of one origin use together. */
export interface Sharing {
  readonly locks: LocksLike;
  openChannel(name: string): Channel;
}

/** Returns what tabs use together; `undefined` outside a secure context, in a sandboxed frame and outside browsers. */
export function findSharing(): Sharing | undefined {
  const { BroadcastChannel, navigator, origin } = globalThis as unknown as SharingPlatform;
  const locks = navigator?.locks;
  // A page with the origin `null` is alone.
  if (BroadcastChannel === undefined || locks === undefined || origin === 'null') return undefined;
  const openChannel = (name: string): Channel => {
    const channel = new BroadcastChannel(name);
    return {
      post: channel.postMessage.bind(channel),
      onMessage: (receive) => channel.addEventListener('message', ({ data }) => receive(data)),
      close: () => channel.close(),
    };
  };
  return { locks, openChannel };
}
