import { join } from 'node:path';
import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';

/** The second page of the shop, for a device at the place where orders are packed. */
@Controller('station')
export class StationController {
  @Get()
  page(@Res() response: Response): void {
    response.sendFile('station.html', { root: join(import.meta.dirname, 'public') });
  }
}
