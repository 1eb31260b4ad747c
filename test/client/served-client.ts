import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import ts from 'typescript';

const PAGE = `<!doctype html><title>client</title><script type="module">
  import * as client from '/client/index.js';
  Object.assign(window, client, { isLoaded: true });
</script>`;

/**
 * Serves the client as the browser loads it without a bundler: each file of `src/client` compiled by itself under
 * `/client/`, and an empty page with its exports at `/page`.
 *
 * @param changed makes a mutant of the text of each file
 */
export function serveClient(app: INestApplication, changed = (text: string): string => text): void {
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const path = (request.url ?? '').replace(/\?.*/, '');
    if (path === '/page') return void response.setHeader('content-type', 'text/html').end(PAGE);
    if (!path.startsWith('/client/')) return next();
    response
      .setHeader('content-type', 'text/javascript')
      .end(changed(compiled(path.slice('/client/'.length))));
  });
}

function compiled(path: string): string {
  const source = readFileSync(join('src/client', path.replace(/\.js$/, '.ts')), 'utf8');
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
