import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The files that browsers may request: one page, its scripts and its styles. */
export class PageFiles {
  private readonly folders = new Map<string, string>();

  /**
   * @param page the folder of `index.html`
   * @param others folders whose scripts and styles the page may use as well
   */
  constructor(
    readonly page: string,
    ...others: readonly string[]
  ) {
    for (const folder of [...others, page]) {
      for (const name of readdirSync(folder)) if (/\.(js|css)$/.test(name)) this.folders.set(name, folder);
    }
  }

  folderOf(name: string): string | undefined {
    return this.folders.get(name);
  }
}

/**
 * Folder of the browser client, whose files load without a bundler. In an application of your own:
 * `dirname(createRequire(import.meta.url).resolve('nestjs-simple-sse/client'))`.
 */
export const CLIENT_FILES = join(import.meta.dirname, '../../../src/client');

/** Folder of the scripts and styles that the samples share. */
export const SHARED_FILES = join(import.meta.dirname, '../public');
