import { spawn } from 'node:child_process';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function outcomeOf(cwd: string, program: string, ...args: string[]): Promise<Outcome> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const [stdout, stderr] = await Promise.all([
    child.stdout.setEncoding('utf8').toArray(),
    child.stderr.setEncoding('utf8').toArray(),
  ]);
  return { code: await code, stdout: stdout.join(''), stderr: stderr.join('') };
}

/** Returns the standard output of a program; throws with all its output when it fails. */
export async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await outcomeOf(cwd, program, ...args);
  if (code !== 0) {
    throw new Error(`${[program, ...args].join(' ')} in ${cwd} ended with ${code}:\n${stdout}\n${stderr}`);
  }
  return stdout;
}
