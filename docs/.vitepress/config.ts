import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitepress';
import apiSidebar from '../api/typedoc-sidebar.json' with { type: 'json' };
import { contents, type Page } from './contents.js';

const recipes: Page[] = readdirSync(new URL('../recipes', import.meta.url))
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .map((name) => name.slice(0, -'.md'.length))
  .map((name) => ({ text: titleOf(name), link: `/docs/recipes/${name}` }));

export default defineConfig({
  title: 'nestjs-simple-sse',
  description:
    'Server-Sent Events for NestJS: rooms, decorators, exact resume, bounded memory, more than one node',
  lang: 'en',
  srcDir: '..',
  // Pages beside the documentation that it links to.
  srcExclude: [
    'src/**',
    'test/**',
    'dist/**',
    '**/node_modules/**',
    'docs/.vitepress/**',
    'coverage/**',
    '.github/**',
  ],
  rewrites: { 'docs/index.md': 'index.md' },
  cleanUrls: false,
  lastUpdated: false,
  // Links of a reader's own application.
  ignoreDeadLinks: [/^http:\/\/localhost:/],
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/docs/01-start' },
      { text: 'Recipes', link: '/docs/recipes/README' },
      { text: 'Reference', link: '/docs/04-api' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    sidebar: [
      ...contents(),
      {
        text: 'Recipes',
        collapsed: true,
        items: [{ text: 'All recipes', link: '/docs/recipes/README' }, ...recipes],
      },
      { text: 'Every symbol', collapsed: true, items: apiSidebar },
      { text: 'Glossary', link: '/docs/glossary' },
      { text: 'Benchmarks', link: '/bench/README' },
    ],
    outline: [2, 3],
    search: { provider: 'local' },
  },
  markdown: {
    languageAlias: { haproxy: 'nginx', vcl: 'c' },
    config(md) {
      // A folder or a program of the repository is no page of the site: its link becomes plain text.
      const { link_open: open, link_close: close } = md.renderer.rules;
      const removed: boolean[] = [];
      md.renderer.rules.link_open = (tokens, index, options, env, self) => {
        const href = String(tokens[index]?.attrGet('href') ?? '');
        const isFile = !/^([a-z]+:|#)/.test(href) && !/\.(md|html|svg|png)(#|$)/.test(href);
        removed.push(isFile);
        if (isFile) return '';
        return open?.(tokens, index, options, env, self) ?? self.renderToken(tokens, index, options);
      };
      md.renderer.rules.link_close = (tokens, index, options, env, self) => {
        if (removed.pop() === true) return '';
        return close?.(tokens, index, options, env, self) ?? self.renderToken(tokens, index, options);
      };
    },
  },
});

/** `chat-behind-a-balancer` becomes `Chat behind a balancer`. */
function titleOf(name: string): string {
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
