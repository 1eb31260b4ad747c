import { BadRequestException, type PipeTransform } from '@nestjs/common';

/** Trims a text and checks it against a pattern. Answers 400 with the allowed form otherwise. */
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
