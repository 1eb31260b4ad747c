import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { EventSourceReader, type DispatchedEvent } from './event-source-reader.js';

/** An HTTP client that reads an event stream, cuts its connection after some bytes and resumes with its last event id. */
export abstract class TestClient {
  protected lastEventId = '';
  protected request: ClientRequest | undefined;
  protected response: IncomingMessage | undefined;

  /** @param readsIdOnly whether it reads blocks that hold only an id, as browsers do and some libraries do not */
  constructor(private readonly readsIdOnly: boolean) {}

  /** The number of bytes after which a new connection is cut; `Infinity` for none. */
  protected abstract bytesUntilCut(): number;
  /** Keeps connections open while it is true, whatever their number of bytes. */
  protected abstract readonly isSteady: boolean;
  protected abstract receive(event: DispatchedEvent): void;
  /** Runs when the server refuses a request. */
  protected abstract onRefusal(status: number | undefined): void;
  /** Runs after each part of the stream. */
  protected onPart(_response: IncomingMessage): void {}

  /**
   * Opens one connection. Resolves when it has ended, for whatever reason.
   *
   * @param headTimeoutMs the longest time to wait for the response head
   */
  protected connect(url: string, headTimeoutMs?: number): Promise<void> {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.lastEventId !== '') headers['last-event-id'] = this.lastEventId;
    return new Promise((resolve) => {
      const opened = request(url, { headers, agent: false });
      this.request = opened;
      const timer =
        headTimeoutMs === undefined ? undefined : setTimeout(() => opened.destroy(), headTimeoutMs);
      opened.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      opened.on('error', () => {});
      opened.once('response', (response) => {
        clearTimeout(timer);
        this.response = response;
        response.on('error', () => {});
        if (response.statusCode === 200) this.#read(opened, response);
        else {
          opened.destroy();
          this.onRefusal(response.statusCode);
        }
      });
      opened.end();
    });
  }

  #read(opened: ClientRequest, response: IncomingMessage): void {
    let left = this.bytesUntilCut();
    const reader = new EventSourceReader(this.lastEventId, (event) => this.receive(event), this.readsIdOnly);
    response.on('data', (bytes: Buffer) => {
      if (opened.destroyed) return;
      if (this.isSteady) left = Infinity;
      const part = bytes.length < left ? bytes : bytes.subarray(0, left);
      left -= part.length;
      reader.feed(part);
      this.lastEventId = reader.lastEventId;
      this.onPart(response);
      if (left <= 0) opened.destroy();
    });
  }
}
