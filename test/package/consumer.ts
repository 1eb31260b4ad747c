import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from '../support/within.js';
import { outcomeOf, run } from './run.js';

/** An application of `fixtures/` in its own folder, with the tarball installed by npm. */
export class Consumer {
  private constructor(private readonly folder: string) {}

  /** Installs without optional peers; throws when a peer does not fit. */
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

  /** Returns TypeScript's errors in the package's declarations, which `skipLibCheck` would hide. */
  async faultsInDeclarations(): Promise<string[]> {
    const tsc = join('node_modules', '.bin', 'tsc');
    const { stdout } = await outcomeOf(this.folder, tsc, '--noEmit', '--skipLibCheck', 'false');
    return stdout.split('\n').filter((line) => line.startsWith('node_modules/nestjs-simple-sse/'));
  }

  /** Returns the output of a script of either module kind, with every warning of Node. */
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
  /** Settles once the application listens. */
  readonly url: Promise<string>;
  /** The standard error, which includes Node's warnings. */
  complaints = '';
  private readonly exit: Promise<unknown[]>;

  constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.complaints += text));
    this.exit = once(child, 'close');
    const listening = Promise.race([once(child.stdout!, 'data'), this.exit]).then(([output]) => {
      const url = /^http:\S+/.exec(String(output))?.[0];
      if (!url) throw new Error(`the application does not listen: ${String(output)}\n${this.complaints}`);
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
