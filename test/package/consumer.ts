import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from '../support/within.js';
import { outcomeOf, run } from './run.js';

/** An application of `fixtures/` in a folder of its own, with the tarball installed from npm's point of view. */
export class Consumer {
  private constructor(private readonly folder: string) {}

  /** Peers that do not fit are an error, and the optional ones stay away. */
  static async install(fixture: string, tarball: string): Promise<Consumer> {
    const folder = mkdtempSync(join(tmpdir(), `${fixture}-`));
    cpSync(join(process.cwd(), 'test', 'package', 'fixtures', fixture), folder, { recursive: true });
    const consumer = new Consumer(folder);
    try {
      await run(folder, 'npm', 'install', '--strict-peer-deps', '--no-audit', '--no-fund', tarball);
      return consumer;
    } catch (error) {
      consumer.remove();
      throw error;
    }
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  async compile(): Promise<void> {
    await run(this.folder, join('node_modules', '.bin', 'tsc'));
  }

  /** What TypeScript finds wrong in the package's own declarations, which applications usually let it skip. */
  async faultsInDeclarations(): Promise<string[]> {
    const tsc = join('node_modules', '.bin', 'tsc');
    const { stdout } = await outcomeOf(this.folder, tsc, '--noEmit', '--skipLibCheck', 'false');
    return stdout.split('\n').filter((line) => line.startsWith('node_modules/nestjs-simple-sse/'));
  }

  /** What a script of either module kind prints, with every warning of Node. */
  async evaluate(kind: 'module' | 'commonjs', script: string): Promise<string> {
    const { stdout, stderr } = await outcomeOf(
      this.folder,
      process.execPath,
      `--input-type=${kind}`,
      '--eval',
      script,
    );
    return (stdout + stderr).trim();
  }

  start(): RunningConsumer {
    return new RunningConsumer(
      spawn(process.execPath, ['out/main.js'], { cwd: this.folder, stdio: ['pipe', 'pipe', 'pipe'] }),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The application as a process. */
export class RunningConsumer {
  /** Settles once it listens. */
  readonly url: Promise<string>;
  /** Everything it complained about; Node's own warnings are complaints too. */
  complaints = '';
  private readonly exit: Promise<unknown[]>;

  constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.complaints += text));
    this.exit = once(child, 'close');
    const listening = Promise.race([once(child.stdout!, 'data'), this.exit]).then(([said]) => {
      const url = /^http:\S+/.exec(String(said))?.[0];
      if (!url) throw new Error(`the application does not listen: ${String(said)}\n${this.complaints}`);
      return url;
    });
    this.url = within(listening, 'an application that listens');
  }

  /** Asks the application to close, and waits until its process has ended by itself. */
  async close(): Promise<unknown[]> {
    this.child.stdin?.end();
    return within(this.exit, 'the end of the process');
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
