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

/** Returns the bytes of the files that are loaded at once, after gzip. */
function bytesOf({
  outputFiles,
}: {
  outputFiles: readonly { path: string; contents: Uint8Array }[];
}): number {
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

describe('the client in a bundle, minified and compressed', () => {
  it('has at most 4 KiB, and imports nothing', async () => {
    const { metafile, outputFiles } = await bundled(
      `import { connectSse } from './index.js'; connectSse('/events').on('a', console.log);`,
    );
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
    expect(bytesOf({ outputFiles })).toBeLessThanOrEqual(4_096);
  });

  it('leaves out what a program does not use', async () => {
    const { outputFiles } = await bundled(
      `import { SseClientError } from './index.js'; console.log(SseClientError);`,
    );
    expect(bytesOf({ outputFiles })).toBeLessThan(300);
  });
});
