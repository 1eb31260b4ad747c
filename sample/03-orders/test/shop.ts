import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { closeTestStreams, openTestStream, type TestStream } from 'nestjs-simple-sse/testing';
import { AppModule } from '../src/app.module.js';
import { DEMO_PASSWORD } from '../src/database/seed.js';

export interface Answer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly body: Body;
  readonly cookie: string;
}

/** The whole shop, with a database of its own in memory. */
export class Shop {
  private constructor(
    readonly app: INestApplication,
    private readonly url: string,
  ) {}

  static async open(options: { importPauseMs?: number } = {}): Promise<Shop> {
    const module = await Test.createTestingModule({
      imports: [AppModule.of({ ...options, database: ':memory:', secureCookies: false })],
    }).compile();
    const app = module.createNestApplication({ logger: ['error'] });
    await app.listen(0, '127.0.0.1');
    return new Shop(app, await app.getUrl());
  }

  async close(): Promise<void> {
    await closeTestStreams();
    await this.app.close();
  }

  async signIn(account: string): Promise<Visitor> {
    const { cookie } = await this.request('POST', '/account/login', { account, password: DEMO_PASSWORD });
    return new Visitor(this, { cookie });
  }

  /** Signs in as an app does, without a cookie. */
  async token(account: string): Promise<Visitor> {
    const { body } = await this.request('POST', '/account/token', { account, password: DEMO_PASSWORD });
    return new Visitor(this, { authorization: `Bearer ${String(body['token'])}` });
  }

  async request<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(this.url + path, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    return { status: response.status, body: (isJson ? JSON.parse(text) : text) as Body, cookie };
  }
}

/** An account that is signed in: its requests, and its streams. */
export class Visitor {
  constructor(
    private readonly shop: Shop,
    private readonly headers: Record<string, string>,
  ) {}

  get<Body = Record<string, unknown>>(path: string): Promise<Answer<Body>> {
    return this.shop.request<Body>('GET', path, undefined, this.headers);
  }

  post<Body = Record<string, unknown>>(path: string, body: unknown = {}): Promise<Answer<Body>> {
    return this.shop.request<Body>('POST', path, body, this.headers);
  }

  listen(path = '/events'): Promise<TestStream> {
    return openTestStream(this.shop.app, path, { headers: this.headers });
  }

  /** Joins rooms with a stream that is open, as the page does when it opens an order. */
  joins(stream: TestStream, ...join: readonly string[]): Promise<Answer> {
    const [ready] = stream.events;
    const { clientId } = (ready?.data ?? {}) as { clientId?: string };
    return this.post('/rooms', { client: clientId, join });
  }

  /** Places an order of one kettle. @returns its id */
  async order(): Promise<number> {
    const { body } = await this.post<{ id: number }>('/orders', {
      lines: [{ product: 'kettle', quantity: 1 }],
    });
    return body.id;
  }
}
