import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, Get, NotFoundException, Param, Res } from '@nestjs/common';
import type { Response } from 'express';

const PUBLIC = join(import.meta.dirname, '../public');
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'));

/** Each file that the page may ask for, and its folder; the charting library is the one in node_modules. */
const ASSETS = new Map([
  ['app.js', PUBLIC],
  ['chart-panel.js', PUBLIC],
  ['charts.js', PUBLIC],
  ['chat-view.js', PUBLIC],
  ['chat.js', PUBLIC],
  ['frames.js', PUBLIC],
  ['ledger.js', PUBLIC],
  ['stream.js', PUBLIC],
  ['tab.js', PUBLIC],
  ['base.css', PUBLIC],
  ['chat.css', PUBLIC],
  ['connection.css', PUBLIC],
  ['figures.css', PUBLIC],
  ['frames.css', PUBLIC],
  ['theme.css', PUBLIC],
  ['uPlot.esm.js', UPLOT],
  ['uPlot.min.css', UPLOT],
]);

@Controller()
export class PageController {
  @Get()
  index(@Res() response: Response): void {
    response.sendFile('index.html', { root: PUBLIC });
  }

  @Get('assets/:name')
  asset(@Param('name') name: string, @Res() response: Response): void {
    const root = ASSETS.get(name);
    if (root === undefined) throw new NotFoundException();
    response.sendFile(name, { root });
  }
}
