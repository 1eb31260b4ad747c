import type { LoggerService } from '@nestjs/common';

export interface LogLine {
  level: 'debug' | 'error' | 'fatal' | 'log' | 'verbose' | 'warn';
  text: string;
}

/** Collects the log lines of Nest and the module, and prints none. */
export class CollectingLogger implements LoggerService {
  readonly lines: LogLine[] = [];

  debug = this.collect('debug');
  error = this.collect('error');
  fatal = this.collect('fatal');
  log = this.collect('log');
  verbose = this.collect('verbose');
  warn = this.collect('warn');

  /** The lines of level warn, error and fatal. */
  get complaints(): LogLine[] {
    return this.lines.filter(({ level }) => level === 'error' || level === 'warn' || level === 'fatal');
  }

  clear(): void {
    this.lines.length = 0;
  }

  private collect(level: LogLine['level']): (...words: unknown[]) => void {
    return (...words) => {
      this.lines.push({ level, text: words.map(asText).join(' ') });
    };
  }
}

function asText(word: unknown): string {
  if (word instanceof Error) return word.stack ?? word.message;
  return typeof word === 'string' ? word : JSON.stringify(word);
}
