import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { build, transform, type Plugin } from 'esbuild';

const FOLDER = resolve('test/recipes/browser');

/** A recipe for a framework, as a program with `mount()` and `unmount()`. */
export interface FrameworkRecipe {
  readonly framework: string;
  /** Mounts the recipe in the element `#app`, as an application does. */
  readonly main: string;
  readonly plugins?: readonly Plugin[];
  /** Syntax that the bundle must not have. */
  readonly without?: readonly string[];
}

/** Compiles components and modules with runes by Svelte's own compiler. */
const svelte: Plugin = {
  name: 'svelte',
  async setup(bundler) {
    const { compile, compileModule } = await import('svelte/compiler');
    bundler.onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { js, warnings } = compile(await readFile(path, 'utf8'), { filename: path, generate: 'client' });
      return { contents: js.code, warnings: warnings.map(({ message }) => ({ text: message })) };
    });
    // The compiler takes types in components only.
    bundler.onLoad({ filter: /\.svelte\.ts$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts', target: 'esnext' });
      return { contents: compileModule(code, { filename: path, generate: 'client' }).js.code };
    });
  },
};

/** Compiles components by Vue's own compiler, the template into the script. */
const vue: Plugin = {
  name: 'vue',
  async setup(bundler) {
    const { compileScript, parse } = await import('vue/compiler-sfc');
    bundler.onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { descriptor, errors } = parse(await readFile(path, 'utf8'), { filename: path });
      const { content } = compileScript(descriptor, { id: basename(path), inlineTemplate: true });
      return { contents: content, loader: 'ts', errors: errors.map(({ message }) => ({ text: message })) };
    });
  },
};

/** Bootstraps as `main.ts` of an application does. `providers` is the text of a list. */
function angularMain(imports: string, providers: string): string {
  return `
    import '@angular/compiler';
    ${imports}
    import { createApplication } from '@angular/platform-browser';
    import { OrdersComponent } from './angular/orders.js';
    import { createComponent, NgZone, provideZoneChangeDetection } from '@angular/core';
    const application = createApplication({ providers: ${providers} });
    let component;
    export let checks = 0;
    export async function mount() {
      const app = await application;
      component = createComponent(OrdersComponent, {
        environmentInjector: app.injector,
        hostElement: document.querySelector('#app').appendChild(document.createElement('app-orders')),
      });
      app.attachView(component.hostView);
      app.injector.get(NgZone).onMicrotaskEmpty.subscribe(() => checks++);
    }
    export const unmount = () => component.destroy();`;
}

/** Also counts the change detections of its zone: `checks`. */
export const angularWithZone: FrameworkRecipe = {
  framework: 'Angular with zone.js',
  main: angularMain("import 'zone.js';", '[provideZoneChangeDetection()]'),
  // As Angular's own builder does: a zone does not see native `await`.
  without: ['async-await'],
};

export const recipes: readonly FrameworkRecipe[] = [
  {
    framework: 'React, twice on one page, in its Strict Mode',
    main: `
      import { StrictMode } from 'react';
      import { createRoot } from 'react-dom/client';
      import { Orders } from './react/orders.js';
      let root;
      export function mount() {
        root = createRoot(document.querySelector('#app'));
        root.render(<StrictMode><Orders /><Orders /></StrictMode>);
      }
      export const unmount = () => root.unmount();`,
  },
  { framework: 'Angular', main: angularMain('', '[]') },
  angularWithZone,
  {
    framework: 'Vue',
    main: `
      import { createApp } from 'vue';
      import Orders from './vue/Orders.vue';
      let app;
      export function mount() {
        app = createApp(Orders);
        app.mount('#app');
      }
      export const unmount = () => app.unmount();`,
    plugins: [vue],
  },
  {
    framework: 'Svelte',
    main: `
      import { flushSync, mount as mountComponent, unmount as unmountComponent } from 'svelte';
      import Orders from './svelte/Orders.svelte';
      let component;
      export function mount() {
        component = mountComponent(Orders, { target: document.querySelector('#app') });
        flushSync();
      }
      export const unmount = () => unmountComponent(component);`,
    plugins: [svelte],
  },
];

/** Bundles a recipe as one script that defines the global `recipe`. */
export async function bundled({ main, plugins = [], without = [] }: FrameworkRecipe): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: main, resolveDir: FOLDER, loader: 'tsx' },
    tsconfig: resolve(FOLDER, 'tsconfig.json'),
    plugins: [...plugins],
    conditions: ['browser', 'development'],
    define: {
      'process.env.NODE_ENV': '"development"',
      __VUE_OPTIONS_API__: 'false',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    supported: Object.fromEntries(without.map((syntax) => [syntax, false])),
    bundle: true,
    format: 'iife',
    globalName: 'recipe',
    target: 'es2022',
    logLevel: 'silent',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
