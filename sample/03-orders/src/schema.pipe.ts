import { BadRequestException, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';

/** Checks the body of a request. Answers 400 with the path of what does not fit. */
export class SchemaPipe<Value> implements PipeTransform<unknown, Value> {
  constructor(private readonly schema: z.ZodType<Value>) {}

  transform(value: unknown): Value {
    const result = this.schema.safeParse(value);
    if (result.success) return result.data;
    throw new BadRequestException(z.prettifyError(result.error));
  }
}
