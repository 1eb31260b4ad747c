import { BadRequestException } from '@nestjs/common';
import { z } from 'zod';
import type { Product } from '../products/products.repository.js';

const HEAD = 'id,name,priceCents,stock';

const ROW = z.tuple([
  z.string().regex(/^[a-z0-9-]{1,40}$/, 'an id of a-z, 0-9 and "-"'),
  z.string().min(1).max(80),
  z.coerce.number().int().min(0).max(1e8),
  z.coerce.number().int().min(0).max(1e6),
]);

/**
 * Reads a catalogue, one product a line, without quotes.
 *
 * @throws BadRequestException names the first line that is no product. Nothing is imported then
 */
export function parseCatalogue(text: string): Product[] {
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  if (head !== HEAD) throw new BadRequestException(`The first line must be ${HEAD}`);
  return lines.map((line, index) => {
    const row = ROW.safeParse(line.split(','));
    if (!row.success) throw new BadRequestException(`Line ${index + 2}: ${z.prettifyError(row.error)}`);
    const [id, name, priceCents, stock] = row.data;
    return { id, name, priceCents, stock };
  });
}
