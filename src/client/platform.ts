/** An event of `EventSource`, as far as the client reads it. */
export interface MessageLike {
  readonly type: string;
  readonly data?: string;
  readonly lastEventId?: string;
}

/** The members of `EventSource` that the client uses. The classes of browsers and of npm's `eventsource` have them. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageLike) => void): void;
  close(): void;
}

/** The class `EventSource`, or one with its members. */
export type EventSourceClass = new (
  url: string,
  init?: { readonly withCredentials?: boolean },
) => EventSourceLike;

/** The members of a `fetch` response that the client uses. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: {
    getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> };
  } | null;
}

/** The members of a `fetch` request that the client sets. */
export interface RequestLike {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly credentials: 'same-origin' | 'include';
  readonly cache?: 'no-store';
  readonly signal?: AbortSignal;
}

/** The function `fetch`, or one that can be called as the client calls it. */
export type FetchFunction = (url: string, request: RequestLike) => Promise<ResponseLike>;

interface EventTargetLike {
  addEventListener(type: string, listener: () => void, options: { readonly signal: AbortSignal }): void;
}

/** The globals of a browser that the client uses. Each of them is missing on some platform. */
interface Platform extends Partial<EventTargetLike> {
  readonly EventSource?: EventSourceClass;
  readonly fetch: FetchFunction;
  readonly location?: { readonly href: string };
  readonly document?: EventTargetLike & { readonly hidden: boolean };
  readonly reportError?: (error: unknown) => void;
}

export const platform = globalThis as unknown as Platform;

/** Reports an error as the platform reports an uncaught one, without the end of a Node process. */
export function reportError(error: unknown): void {
  (platform.reportError ?? console.error)(error);
}

/**
 * Calls `onWake` when a page comes back: from no network, from another tab, from the back-forward cache, from a freeze.
 *
 * @returns a function that ends it
 */
export function watchWakeUps(onWake: () => void): () => void {
  const { document } = platform;
  const whenVisible = (): void => {
    if (!document?.hidden) onWake();
  };
  const pairs: (readonly [Partial<EventTargetLike> | undefined, string])[] = [
    [platform, 'online'],
    [platform, 'pageshow'],
    [document, 'visibilitychange'],
    [document, 'resume'],
  ];
  const abort = new AbortController();
  for (const [target, type] of pairs) target?.addEventListener?.(type, whenVisible, abort);
  return () => abort.abort();
}
