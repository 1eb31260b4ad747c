import type { HistoryPage } from './broker.interface.js';

/**
 * Ends a page once the data of its events has `maxBytes` UTF-16 code units, after one event at least.
 *
 * The shorter page states the position of its last event, from which the next read goes on.
 */
export function endPageAt(page: HistoryPage, maxBytes: number): HistoryPage {
  let bytes = 0;
  const end = page.messages.findIndex((message, index) => {
    bytes += message.data.length;
    return index > 0 && bytes > maxBytes;
  });
  if (end === -1) return page;
  const messages = page.messages.slice(0, end);
  return { ...page, messages, position: messages.at(-1)?.position ?? page.position, hasMore: true };
}
