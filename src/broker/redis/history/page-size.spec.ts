import { MAX_PAGE_BYTES, PageSize } from './page-size.js';

describe('PageSize', () => {
  it('begins with the largest page, and never exceeds the limit of the caller', () => {
    const size = new PageSize();
    expect(size.limit(Infinity)).toBe(MAX_PAGE_BYTES);
    expect(size.limit(1_000)).toBe(1_000);
  });

  it('shrinks to a quarter of the page that timed out, once for pages that time out together', () => {
    const size = new PageSize();
    for (let n = 0; n < 4; n++) size.timedOut(MAX_PAGE_BYTES);
    expect(size.limit(Infinity)).toBe(MAX_PAGE_BYTES / 4);
  });

  it('shrinks down to a single event, and grows back with each page that arrives', () => {
    const size = new PageSize();
    for (let n = 0; n < 40; n++) size.timedOut(size.limit(Infinity));
    expect(size.limit(Infinity)).toBe(1);
    size.arrived();
    expect(size.limit(Infinity)).toBe(2);
    for (let n = 0; n < 40; n++) size.arrived();
    expect(size.limit(Infinity)).toBe(MAX_PAGE_BYTES);
  });
});
