import { Controller, Get, NotFoundException, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { PageFiles } from './page-files.js';

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
}
