import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import type { Browser } from '../support/chromium.js';
import { eventually, PATIENCE_MS } from '../support/within.js';

const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

/** Widths of a desktop and of a phone, in pixels. */
export const WIDTHS = [1280, 360] as const;
export const SCHEMES = ['light', 'dark'] as const;

export interface View {
  readonly width: (typeof WIDTHS)[number];
  readonly colorScheme: (typeof SCHEMES)[number];
}

/** The combinations of widths and colour schemes. */
export const VIEWS: readonly View[] = WIDTHS.flatMap((width) =>
  SCHEMES.map((colorScheme) => ({ width, colorScheme })),
);

/** Opens the operator's page as the operator, once the first summary is shown. Faults of the page are added to `faults`. */
export async function openPage(
  { context }: Browser,
  url: string,
  faults: string[],
  { width, colorScheme }: View = { width: 1280, colorScheme: 'light' },
): Promise<Page> {
  await context.addCookies([{ name: 'ops', value: '1', url }]);
  const page = await context.newPage();
  await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`a request to ${request.url()}`);
  });
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => console.error('refused: ' + event.violatedDirective))`,
  );
  await page.goto(`${url}/sse-admin`);
  await page.locator('#state[data-state=live]').waitFor();
  await page.locator('#nodes tbody tr').first().waitFor();
  return page;
}

/** What axe-core, which the project did not write, finds against WCAG 2.2 AA and its own good practices. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(`axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) =>
    id + ' ' + node.target.join(' ') + ': ' + node.any.map(({ message }) => message).join()))) `);
}

/** Elements that reach over the edge of the window, tables that reach over that of their card, and content that is cut off. */
export function cutElements(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const cut = document.documentElement.scrollWidth > innerWidth ? ['the page scrolls sideways'] : [];
    for (const element of document.querySelectorAll('body *')) {
      const { width, left, right } = element.getBoundingClientRect();
      if (width === 0 || element.closest('.unseen, svg, input, textarea')) continue;
      const name = element.tagName + ' ' + element.id + ' ' + element.className + ': ' + element.textContent.slice(0, 40);
      const { overflowX } = getComputedStyle(element);
      const room = element.matches('table') && element.parentElement.clientWidth - 2 * parseFloat(getComputedStyle(element.parentElement).paddingLeft);
      if (room !== false && width > room + 0.5) cut.push('beyond its card: ' + name);
      if (left < -0.5 || right > innerWidth + 0.5) cut.push('beyond the edge: ' + name);
      if ((overflowX !== 'visible' || element.matches('button, select, .number')) && element.scrollWidth > element.clientWidth + 1) cut.push('cut off: ' + name);
    }
    return cut;
  })()`);
}

/** Waits for a figure to be a number that `accept` accepts. */
export async function figure(page: Page, title: string, accept: (value: number) => boolean): Promise<number> {
  const value = page.locator('#figures > div').filter({ hasText: title }).locator('dd > span');
  let shown = NaN;
  await eventually(
    async () => {
      shown = Number((await value.innerText()).replaceAll(',', ''));
      return accept(shown);
    },
    title,
    PATIENCE_MS,
  ).catch(({ message }: Error) => {
    throw new Error(`${message}, shown as ${shown}`);
  });
  return shown;
}

/** Finds a client or a room in the form of the page. */
export async function show(page: Page, kind: 'client' | 'room', name: string): Promise<void> {
  await page.locator('#find-kind').selectOption(kind);
  await page.locator('#find-text').fill(name);
  await page.locator('#find-text').press('Enter');
  await page.locator(`#${kind}[open]`).waitFor();
}
