import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Expects a policy that allows this server alone, and HTML without inline code. */
export async function expectStrictPolicy(url: string): Promise<void> {
  const response = await fetch(url);
  const html = await response.text();
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toMatch(/unsafe|https?:/);
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
}

/** Expects every file that the page requests, and none from another server. Returns their paths. */
export async function expectWholePage(url: string): Promise<Set<string>> {
  const html = await (await fetch(url)).text();
  expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  const waiting = [...html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path]) => `/${path}`);
  const seen = new Set<string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const response = await fetch(url + path);
    expect([path, response.status]).toEqual([path, 200]);
    expect(response.headers.get('content-type')).toMatch(path.endsWith('.css') ? /^text\/css/ : /javascript/);
    const text = await response.text();
    const imported = text.matchAll(/^(?:import|export) [^;]* from '(\.[^']+)'|\bimport\('([^']+)'\)/gm);
    for (const [, name, later] of imported) waiting.push(new URL(name ?? later ?? '', url + path).pathname);
  }
  expect(seen.size).toBeGreaterThan(10);
  return seen;
}

/** Expects that no script of the folder makes HTML from a string. */
export async function expectTextOnly(folder: string): Promise<void> {
  const scripts = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  expect(scripts).not.toEqual([]);
  for (const name of scripts) {
    const source = await readFile(join(folder, name), 'utf8');
    expect(source).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
  }
}

/**
 * Observes the errors of a page: those that nobody caught, and those on its console.
 *
 * @param expected matches the texts on the console that are no fault
 */
export function onFault(page: Page, fault: (text: string) => void, expected?: RegExp): void {
  page.on('pageerror', (error) => fault(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && expected?.test(message.text()) !== true) fault(message.text());
  });
}
