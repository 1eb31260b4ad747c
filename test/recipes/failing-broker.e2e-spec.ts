import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compileApp } from '../support/compiled-app.js';

const MAIN = `
  import { Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { SseModule } from 'nestjs-simple-sse';
  import { Imports } from './import-job.js';

  @Module({ imports: [SseModule.forRoot()], providers: [Imports] })
  class AppModule {}

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  await app.close(); // from here on every broadcast rejects
  let read = 0;
  const rows = (async function* () { for (; read < 3; read++) yield String(read); })();
  app.get(Imports).start(rows);
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(read);
`;

describe('the recipe of a job', () => {
  // In a process of its own: a rejection that nobody handles ends the process.
  it('reads every row and does not end the process where no event can be published', async () => {
    const app = compileApp(MAIN, ['test/recipes/code/import-job.ts']);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [app.main], { timeout: 50_000 });
      expect(stdout.trim()).toBe('3');
    } finally {
      app.remove();
    }
  }, 60_000);
});
