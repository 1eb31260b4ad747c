import { gzipSync } from 'node:zlib';
import { build, type BuildResult } from 'esbuild';

/** Bundles a program that uses the client, minified, without what it does not use. */
async function bundled(program: string): Promise<BuildResult<{ metafile: true; write: false }>> {
  return build({
    stdin: { contents: program, resolveDir: 'src/client', loader: 'ts' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'out',
    metafile: true,
    write: false,
  });
}

/** Returns the bytes of files after gzip, each by itself. */
function bytesOf(...files: readonly ({ readonly contents: Uint8Array } | undefined)[]): number {
  return files.reduce((sum, file) => sum + gzipSync(file?.contents ?? '', { level: 9 }).length, 0);
}

describe('the client in a bundle, minified and compressed', () => {
  it('has at most 4 KiB, 6 KiB with sharing and 7.5 KiB with rooms, which are loaded where they are used', async () => {
    const { metafile, outputFiles } = await bundled(
      `import { connectSse } from './index.js'; connectSse('/events').on('a', console.log);`,
    );
    const named = (name: string): (typeof outputFiles)[number] | undefined =>
      outputFiles.find(({ path }) => path.includes(name));
    const [first, sharing, rooms] = [named('stdin'), named('share-connection'), named('room-source')];
    const importsOf = (name: string): string[] =>
      Object.entries(metafile.outputs)
        .filter(([path]) => path.includes(name))
        .flatMap(([, { imports }]) => imports.map(({ kind }) => kind));
    expect(importsOf('stdin')).toEqual(['dynamic-import', 'dynamic-import']);
    expect(importsOf('share-connection')).toEqual([]);
    expect(importsOf('room-source')).toEqual(['dynamic-import']);
    expect(outputFiles).toHaveLength(3);
    expect(bytesOf(first)).toBeLessThanOrEqual(4_096);
    expect(bytesOf(first, sharing)).toBeLessThanOrEqual(6_144);
    expect(bytesOf(first, rooms)).toBeLessThanOrEqual(7_680);
    expect(bytesOf(first, sharing, rooms)).toBeLessThanOrEqual(9_216);
  });

  it('leaves out what a program does not use', async () => {
    const { outputFiles } = await bundled(
      `import { SseClientError } from './index.js'; console.log(SseClientError);`,
    );
    const first = outputFiles.find(({ path }) => path.endsWith('stdin.js'));
    expect(bytesOf(first)).toBeLessThan(300);
  });
});
