import { Body, Controller, Get, HttpCode, Post, UseGuards } from '@nestjs/common';
import { SseRunTail } from 'nestjs-simple-sse';
import { z } from 'zod';
import { StaffGuard } from '../accounts/signed-in.guard.js';
import { SchemaPipe } from '../schema.pipe.js';
import { parseCatalogue } from './catalogue.js';
import { IMPORT_RUN, ImportsService } from './imports.service.js';

const CATALOGUE = z.strictObject({ csv: z.string() });

@Controller('imports')
@UseGuards(StaffGuard)
export class ImportsController {
  constructor(private readonly imports: ImportsService) {}

  /** Answers before the import is done: 202. Its progress is at `GET /imports/events`. */
  @Post()
  @HttpCode(202)
  async start(@Body(new SchemaPipe(CATALOGUE)) { csv }: { csv: string }): Promise<{ products: number }> {
    const products = parseCatalogue(csv);
    await this.imports.start(products);
    return { products: products.length };
  }

  /** All progress from the start of the import on, and its end. 204 where there is none. */
  @Get('events')
  @SseRunTail(IMPORT_RUN)
  events(): void {}

  @Post('stop')
  @HttpCode(204)
  stop(): Promise<void> {
    return this.imports.stop();
  }
}
