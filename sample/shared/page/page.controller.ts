import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { CLIENT_FILES, PageFiles } from './page-files.js';

@Controller()
export class PageController {
  constructor(private readonly files: PageFiles) {}

  @Get()
  index(@Res() response: Response): void {
    response.sendFile('index.html', { root: this.files.page });
  }

  @Get('assets/:name')
  asset(@Param('name') name: string, @Res() response: Response): void {
    const root = this.files.folderOf(name);
    if (root === undefined) throw new NotFoundException();
    response.sendFile(name, { root });
  }

  @Get('client/*path')
  client(@Req() { path }: Request, @Res() response: Response): void {
    const file = path.replace('/client/', '');
    const isKnown = /^([\w-]+\/)?[\w.-]+\.js$/.test(file) && existsSync(join(CLIENT_FILES, file));
    if (!isKnown) throw new NotFoundException();
    response.sendFile(file, { root: CLIENT_FILES });
  }
}
