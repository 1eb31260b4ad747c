import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Policy of the page: files of this server alone, no inline code, no HTML from strings. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

const FOLDER = join(import.meta.dirname, 'page');

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** The files of the page, read once. */
export class PageFiles {
  readonly #html: string;
  readonly #assets = new Map<string, PageFile>();

  constructor() {
    this.#html = readFileSync(join(FOLDER, 'index.html'), 'utf8');
    for (const name of readdirSync(FOLDER)) {
      const type = TYPES[name.split('.').at(-1) ?? ''];
      if (type !== undefined)
        this.#assets.set(name, { type, text: readFileSync(join(FOLDER, name), 'utf8') });
    }
  }

  /** @param base folder of the page's files, relative to its address: `''` or `'sse-admin/'` */
  index(base: string): string {
    return this.#html.replaceAll('="assets/', `="${base}assets/`);
  }

  asset(name: string): PageFile | undefined {
    return this.#assets.get(name);
  }
}
