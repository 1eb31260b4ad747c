import { BadRequestException, type PipeTransform } from '@nestjs/common';

/** One line of text from outside: trimmed, then whole by the pattern, or a 400 that says what is allowed. */
export class TextPipe implements PipeTransform<unknown, string> {
  constructor(
    private readonly field: string,
    private readonly pattern: RegExp,
    private readonly allowed: string,
  ) {}

  transform(value: unknown): string {
    const text = typeof value === 'string' ? value.trim() : undefined;
    if (text !== undefined && this.pattern.test(text)) return text;
    throw new BadRequestException(`${this.field}: ${this.allowed}`);
  }
}
