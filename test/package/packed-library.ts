import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.js';

/** The tarball that a release would publish, built from the sources as they are. */
export class PackedLibrary {
  private constructor(
    private readonly folder: string,
    readonly tarball: string,
    /** Paths inside the package. */
    readonly files: readonly string[],
  ) {}

  static async pack(): Promise<PackedLibrary> {
    const folder = mkdtempSync(join(tmpdir(), 'packed-'));
    try {
      await run(process.cwd(), 'npm', 'pack', '--pack-destination', folder);
      const [name = 'no tarball', ...others] = readdirSync(folder);
      if (others.length > 0) throw new Error(`npm pack wrote more than ${name}: ${others.join(', ')}`);
      const tarball = join(folder, name);
      const listing = await run(folder, 'tar', '-tzf', tarball);
      const files = listing.trim().split('\n');
      return new PackedLibrary(
        folder,
        tarball,
        files.map((path) => path.replace(/^package\//, '')),
      );
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get bytes(): number {
    return statSync(this.tarball).size;
  }

  /** The text of one file of the tarball. */
  read(path: string): Promise<string> {
    return run(this.folder, 'tar', '-xOzf', this.tarball, `package/${path}`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
